'use strict';

/*
 * Runs the bundles. What V8 compiles of one is kept and used again by later processes: compiling takes about as long as
 * all else that a token at hand needs.
 *
 * It is kept beside the bundles: who can write there can change the bundles as well, so it is no less to be trusted than
 * they are. Where nobody may write, every process compiles for itself. Each file is named by the text it was compiled
 * from and by the Node that did, and begins with a digest of the rest: V8 does not check, and crashes on a damaged one.
 */
const { hash } = require('crypto');
const {
  accessSync,
  constants,
  mkdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} = require('fs');
const { dirname, join, resolve } = require('path');
const { pathToFileURL } = require('url');
const { Script } = require('vm');

const BUNDLES = join(__dirname, '../dist');
const COMPILED = join(BUNDLES, 'compiled');
const DIGEST_BYTES = 32;

/** The scripts that this process had to compile, and where they are kept. */
let compiledHere = [];

/** Runs the bundle `name` and returns what it exports. */
function runCompiled(name) {
  const file = resolve(BUNDLES, name);
  // Bundles are ASCII. Node warns of an `import()` in a script of one's own: it becomes a call of one that is in a module.
  const body = readFileSync(file, 'latin1').replaceAll(/\bimport\(/g, 'importFrom__filename(');
  const text =
    '(function (exports, require, module, __filename, __dirname, importFrom__filename) {' + body + '\n})';
  const compiled = join(
    COMPILED,
    [hash('sha256', text).slice(0, 32), process.version, process.platform, process.arch].join('-'),
  );
  const cachedData = readCompiled(compiled);
  const script = new Script(text, { filename: file, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) compiledHere.push({ script, compiled });
  const bundle = { exports: {} };
  const folder = dirname(file);
  script.runInThisContext()(bundle.exports, requireFrom(folder), bundle, file, folder, importFrom(folder));
  return bundle.exports;
}

function requireFrom(folder) {
  return (id) => (id.startsWith('.') ? runCompiled(resolve(folder, id)) : require(id));
}

function importFrom(folder) {
  return (id) => import(id.startsWith('.') ? pathToFileURL(resolve(folder, id)).href : id);
}

function readCompiled(path) {
  try {
    const bytes = readFileSync(path);
    const data = bytes.subarray(DIGEST_BYTES);
    return hash('sha256', data, 'buffer').equals(bytes.subarray(0, DIGEST_BYTES)) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps nothing of what ran so far: it did not come to its end, and lacks what V8 compiles on the way there. */
function forgetCompiled() {
  compiledHere = [];
}

/** At the end, when it has all that was compiled on the way. Nobody else may write there, whatever the umask. */
function keepCompiled() {
  for (const { script, compiled } of compiledHere) {
    const temporary = compiled + '.' + process.pid;
    try {
      accessSync(BUNDLES, constants.W_OK);
      mkdirSync(COMPILED, { recursive: true, mode: 0o755 });
      const data = script.createCachedData();
      writeFileSync(temporary, Buffer.concat([hash('sha256', data, 'buffer'), data]), {
        flag: 'wx',
        mode: 0o644,
      });
      renameSync(temporary, compiled);
    } catch {
      // Then the next process compiles as well.
      removeQuietly(temporary);
    }
  }
}

function removeQuietly(path) {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}

process.once('exit', (code) => {
  if (code === 0) keepCompiled();
});

module.exports = { runCompiled, forgetCompiled };
