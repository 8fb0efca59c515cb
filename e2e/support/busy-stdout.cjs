/*
 * Required before a program (`node --require`): as soon as stdout is closed its number is taken by a file, for a moment, as
 * another thread might. Says when a device has it.
 */
'use strict';
const fs = require('node:fs');
const { clearInterval, setInterval } = require('node:timers');
const { isMainThread } = require('node:worker_threads');
const { closeSync: close, openSync: open } = fs;

function isDevice() {
  try {
    return fs.fstatSync(1).isCharacterDevice();
  } catch {
    return false;
  }
}

if (isMainThread) {
  fs.closeSync = (fd) => {
    close(fd);
    if (fd !== 1) return;
    setTimeout(close, 10, open(__filename, 'r'));
    const look = setInterval(() => {
      if (!isDevice()) return;
      clearInterval(look);
      fs.writeSync(2, 'stdout is a device\n');
    }, 1).unref();
  };
}
