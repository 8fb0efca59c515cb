/*
 * Required before a program (`node --require`): as soon as stdout is closed its number is taken by a file, for a moment, as
 * another thread might. Says in the end what has it.
 */
'use strict';
const fs = require('node:fs');
const { isMainThread } = require('node:worker_threads');
const { closeSync: close, openSync: open } = fs;
if (isMainThread) {
  fs.closeSync = (fd) => {
    close(fd);
    if (fd === 1) setTimeout(close, 10, open(__filename, 'r'));
  };
  process.on('exit', () => {
    const what = (() => {
      try {
        return fs.fstatSync(1).isCharacterDevice() ? 'a device' : 'something else';
      } catch {
        return 'free';
      }
    })();
    fs.writeSync(2, `in the end stdout is ${what}\n`);
  });
}
