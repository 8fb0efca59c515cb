'use strict';
/*
 * Required before a program: notes each step that it takes with a file under HOME, and kills it right before step
 * KILL_AT. KILL_STEPS says which steps count, `changes` or `all`; KILL_LOG is where they are noted.
 */
const fs = require('node:fs');

const { HOME, KILL_AT, KILL_LOG, KILL_STEPS } = process.env;
const CHANGES = /^(open for writing|write|truncate|utimes|chmod|link|unlink|rename|mkdir|sync)/;
const own = { appendFileSync: fs.appendFileSync, openSync: fs.openSync, writeSync: fs.writeSync };
const log = own.openSync(KILL_LOG, 'a');
const opened = new Map();
let steps = 0;

function step(what, path) {
  if (typeof path !== 'string' || !path.startsWith(HOME)) return;
  if (KILL_STEPS !== 'all' && !CHANGES.test(what)) return;
  steps += 1;
  own.writeSync(log, `${what} ${path.slice(HOME.length).replace(/[0-9a-f]{12,}/g, '…')}\n`);
  if (steps === Number(KILL_AT)) process.kill(process.pid, 'SIGKILL');
}

function opening(flags) {
  const writes = typeof flags === 'number' && (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0;
  return writes ? 'open for writing' : 'open';
}

for (const name of ['link', 'unlink', 'rename', 'mkdir', 'chmod', 'stat', 'lstat', 'readdir', 'readlink']) {
  const { [`${name}Sync`]: sync } = fs;
  fs[`${name}Sync`] = (path, ...more) => {
    // What matters of two names is the one that changes.
    step(name, name === 'link' || name === 'rename' ? more[0] : path);
    return sync(path, ...more);
  };
  const { [name]: later } = fs.promises;
  fs.promises[name] = (path, ...more) => {
    step(name, name === 'link' || name === 'rename' ? more[0] : path);
    return later(path, ...more);
  };
}
for (const [name, what] of [
  ['readSync', 'read'],
  ['readFileSync', 'read'],
  ['fstatSync', 'stat'],
  ['writeSync', 'write'],
  ['ftruncateSync', 'truncate'],
  ['futimesSync', 'utimes'],
  ['fchmodSync', 'chmod'],
  ['closeSync', 'close'],
]) {
  const { [name]: call } = fs;
  fs[name] = (file, ...more) => {
    step(what, opened.get(file) ?? file);
    return call(file, ...more);
  };
}
fs.openSync = (path, flags, ...more) => {
  step(opening(flags), path);
  const fd = own.openSync(path, flags, ...more);
  opened.set(fd, path);
  return fd;
};
const openLater = fs.promises.open;
fs.promises.open = async (path, flags, ...more) => {
  step(opening(flags), path);
  const handle = await openLater(path, flags, ...more);
  for (const [name, what] of [
    ['writeFile', 'write'],
    ['sync', 'sync'],
    ['close', 'close'],
  ]) {
    const call = handle[name].bind(handle);
    handle[name] = (...args) => {
      step(what, path);
      return call(...args);
    };
  }
  return handle;
};
