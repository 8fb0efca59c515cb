#!/usr/bin/env node
'use strict';

// Written for any Node, so that one that is too old says so instead of failing on a word it does not know.
const OLDEST = [20, 19];

const version = process.versions.node.split('.').map(Number);
if (version[0] < OLDEST[0] || (version[0] === OLDEST[0] && version[1] < OLDEST[1])) {
  process.stderr.write(
    'km: needs Node.js ' +
      OLDEST.join('.') +
      ' or newer, and this is ' +
      process.versions.node +
      '; see https://nodejs.org\n',
  );
  process.exit(1);
}

function runAll() {
  const { runCompiled } = require('./run-compiled.cjs');
  runCompiled('main.cjs');
}

try {
  const words = process.argv.slice(2);
  const last = words[words.length - 1];
  if (last === '--help' || last === '-h') {
    if (!require('../dist/help-at-once.cjs').answerHelp(words)) runAll();
  } else if (words[0] === 'auth' && words[1] === 'token') {
    const { forgetCompiled, runCompiled } = require('./run-compiled.cjs');
    runCompiled('token-hit.cjs')
      .answerAtOnce(words.slice(2))
      .then(function (isAnswered) {
        if (isAnswered) return;
        forgetCompiled();
        runAll();
      });
  } else {
    runAll();
  }
} catch (error) {
  if (!/dist[\\/][a-z-]+\.(cjs|json)/.test(error.message) || !/MODULE_NOT_FOUND|ENOENT/.test(error.code))
    throw error;
  process.stderr.write('km: is not built yet; run "npm run build" in the repository\n');
  process.exit(1);
}
