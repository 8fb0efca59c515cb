/*
 * Required before a program (`node --require`): wherever it starts another, it has no file descriptor left at that moment, as
 * a busy one may have none. So that they are soon used up it is started with few (`ulimit -n`).
 */
'use strict';
const childProcess = require('node:child_process');
const { closeSync, openSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

const { spawn } = childProcess;
childProcess.spawn = (...args) => {
  const taken = [];
  try {
    for (;;) taken.push(openSync('/dev/null'));
  } catch {
    return spawn(...args);
  } finally {
    for (const each of taken) closeSync(each);
  }
};
syncBuiltinESMExports();
