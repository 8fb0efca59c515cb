/*
 * Required before a program (`node --require`): the disk is full for the files in FULL_FOR, as in `.auth_cache,.credentials:2`:
 * each time that one of them is to be written, or only the time that is told, counted from 1.
 */
'use strict';
const promises = require('node:fs/promises');
const { basename } = require('node:path');
const { syncBuiltinESMExports } = require('node:module');

const fullFor = new Set((process.env.FULL_FOR ?? '').split(','));
const written = new Map();

/** Whether there is no room for what is written beside the file that it will replace. */
function isFull(path) {
  const [file, isTemporary] = basename(String(path)).split(/(?=\.tmp-)/);
  if (isTemporary === undefined) return false;
  const time = (written.get(file) ?? 0) + 1;
  written.set(file, time);
  return fullFor.has(file) || fullFor.has(`${file}:${time}`);
}

const { open } = promises;
promises.open = async (path, ...rest) => {
  if (!isFull(path)) return open(path, ...rest);
  throw Object.assign(new Error(`ENOSPC: no space left on device, open '${path}'`), { code: 'ENOSPC' });
};

syncBuiltinESMExports();
