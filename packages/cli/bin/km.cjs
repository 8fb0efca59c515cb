#!/usr/bin/env node
'use strict';

/*
 * Starts `km`: says so where this Node is too old, and runs the bundle that the words ask for. One file, since to load
 * another costs as much as to open the cache; and in words that Node has known since 10, for who has such a one.
 *
 * What V8 compiles of a bundle is kept and used again by later processes: compiling takes about as long as all else that
 * a token at hand needs. It is kept beside the bundles: who can write there can change the bundles as well, so it is no
 * less to be trusted than they are. Where nobody may write, every process compiles for itself. Each file is named by the
 * text it was compiled from and by the Node that did, and begins with a digest of the rest: V8 does not check, and
 * crashes on a damaged one.
 */
const version = process.versions.node.split('.').map(Number);
/** As `engines` of package.json has it. */
const isTooOld =
  version[0] === 20 ? version[1] < 19 : version[0] < 22 || (version[0] === 22 && version[1] < 3);
if (isTooOld) {
  process.stderr.write(
    'km: needs Node.js 20.19, or 22.3 or newer, and this is ' +
      process.versions.node +
      '; see https://nodejs.org\n',
  );
  process.exit(1);
}

const fs = require('fs');
const path = require('path');

const BUNDLES = path.join(__dirname, '../dist');
const COMPILED = path.join(BUNDLES, 'compiled');
const DIGEST_BYTES = 32;

/** The scripts that this process had to compile, and where they are kept. */
let compiledHere = [];

/** Runs the bundle `file` and returns what it exports. */
function runCompiled(file) {
  const vm = require('vm');
  // Node refuses an `import()` in a script of one's own: it becomes a call of one that is in a module.
  const body = fs.readFileSync(file, 'utf8').replace(/\bimport\(/g, 'importFrom__filename(');
  const text =
    '(function (exports, require, module, __filename, __dirname, importFrom__filename) {' + body + '\n})';
  const compiled = path.join(
    COMPILED,
    [sha256(text).toString('hex', 0, 16), process.version, process.platform, process.arch].join('-'),
  );
  const cachedData = readCompiled(compiled);
  const script = new vm.Script(text, { filename: file, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) compiledHere.push({ script, compiled });
  const bundle = { exports: {} };
  const folder = path.dirname(file);
  script.runInThisContext()(bundle.exports, requireFrom(folder), bundle, file, folder, importFrom(folder));
  return bundle.exports;
}

function sha256(data) {
  return require('crypto').hash('sha256', data, 'buffer');
}

function requireFrom(folder) {
  return (id) => (id[0] === '.' ? runCompiled(path.resolve(folder, id)) : require(id));
}

function importFrom(folder) {
  return (id) => import(id[0] === '.' ? require('url').pathToFileURL(path.resolve(folder, id)).href : id);
}

function readCompiled(file) {
  try {
    const bytes = fs.readFileSync(file);
    const data = bytes.subarray(DIGEST_BYTES);
    return sha256(data).equals(bytes.subarray(0, DIGEST_BYTES)) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** At the end, when it has all that was compiled on the way. Nobody else may write there, whatever the umask. */
function keepCompiled(code) {
  if (code !== 0) return;
  for (const { script, compiled } of compiledHere) {
    const temporary = compiled + '.' + process.pid;
    try {
      fs.accessSync(BUNDLES, fs.constants.W_OK);
      fs.mkdirSync(COMPILED, { recursive: true, mode: 0o755 });
      const data = script.createCachedData();
      fs.writeFileSync(temporary, Buffer.concat([sha256(data), data]), { flag: 'wx', mode: 0o644 });
      fs.renameSync(temporary, compiled);
    } catch {
      // Then the next process compiles as well.
      removeQuietly(temporary);
    }
  }
}

process.once('exit', keepCompiled);

function removeQuietly(file) {
  try {
    fs.unlinkSync(file);
  } catch {
    // It was never made.
  }
}

function runAll() {
  runCompiled(path.join(BUNDLES, 'main.cjs'));
}

function answerToken(words) {
  runCompiled(path.join(BUNDLES, 'token-hit.cjs'))
    .answerAtOnce(words)
    .then((isAnswered) => {
      // All was written: to end by itself, Node would take what it holds apart, piece by piece.
      if (isAnswered) process.exit();
      // It did not come to its end, and lacks what V8 compiles on the way there.
      compiledHere = [];
      runAll();
    });
}

try {
  const words = process.argv.slice(2);
  const last = words[words.length - 1];
  if (last === '--help' || last === '-h') {
    if (!require('../dist/help-at-once.cjs').answerHelp(words)) runAll();
  } else if (words[0] === 'auth' && words[1] === 'token') {
    answerToken(words.slice(2));
  } else if (words[0] === 'auth' && words[1] === 'status') {
    if (!runCompiled(path.join(BUNDLES, 'commands/auth-status.cjs')).answerStatus(words.slice(2))) runAll();
  } else if (words[0] === 'monitor') {
    if (!runCompiled(path.join(BUNDLES, 'commands/monitor.cjs')).monitorAtOnce(words.slice(1))) runAll();
  } else {
    runAll();
  }
} catch (error) {
  if (!/dist[\\/][a-z\\/-]+\.(cjs|json)/.test(error.message) || !/MODULE_NOT_FOUND|ENOENT/.test(error.code))
    throw error;
  process.stderr.write('km: is not built yet; run "npm run build" in the repository\n');
  process.exit(1);
}
