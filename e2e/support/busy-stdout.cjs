/*
 * Required before a program (`node --require`): as soon as stdout is closed its number is taken by a file, as another thread
 * might, until somebody has tried in vain to have it. Says when a device has it.
 */
'use strict';
const fs = require('node:fs');
const { isMainThread } = require('node:worker_threads');
const { closeSync: close, openSync: open } = fs;

if (isMainThread) {
  let isTaken = false;
  let tries = 0;
  fs.closeSync = (fd) => {
    close(fd);
    if (fd !== 1) return;
    isTaken = open(__filename, 'r') === 1;
  };
  fs.openSync = (path, ...rest) => {
    if (path !== '/dev/null') return open(path, ...rest);
    tries += 1;
    // Not a moment before: the thread that delivers opens files as well.
    if (isTaken && tries === 2) close(1);
    const fd = open(path, ...rest);
    if (fd === 1) fs.writeSync(2, 'stdout is a device\n');
    return fd;
  };
}
