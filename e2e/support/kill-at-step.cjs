/*
 * Required before a program (`node --require`): counts what the program writes to the disk and sends over the network,
 * step by step, and kills it, as `kill -9` would, right before step KILL_AT_STEP, a number or a name. STEPS_FILE gets a line a step.
 */
'use strict';
const fs = require('node:fs');
const promises = require('node:fs/promises');
const http = require('node:http');
const { syncBuiltinESMExports } = require('node:module');

const killAt = process.env.KILL_AT_STEP;
const { appendFileSync, writeSync } = fs;
let steps = 0;

/** @param half what is done of the step before the kill, where it can be done by half. */
function step(name, half = () => undefined) {
  steps += 1;
  appendFileSync(process.env.STEPS_FILE, `${name}\n`);
  if (String(steps) !== killAt && name !== killAt) return;
  half();
  process.kill(process.pid, 'SIGKILL');
}

const { O_WRONLY, O_RDWR } = fs.constants;
const isForWriting = (flags) => typeof flags === 'number' && (flags & (O_WRONLY | O_RDWR)) !== 0;
const HALF = (bytes) => bytes.subarray(0, bytes.length / 2);

/** Replaces `object[name]` by what first runs `before`. */
function precede(object, name, before) {
  const original = object[name];
  object[name] = function (...args) {
    before(...args);
    return original.apply(this, args);
  };
}

for (const name of ['mkdirSync', 'chmodSync', 'linkSync', 'unlinkSync', 'renameSync', 'ftruncateSync']) {
  precede(fs, name, () => step(name));
}
precede(fs, 'openSync', (_path, flags) => isForWriting(flags) && step('openSync'));
precede(fs, 'writeSync', (fd, text) =>
  step('writeSync, by half', () => writeSync(fd, HALF(Buffer.from(text)))),
);

for (const name of ['link', 'unlink', 'rename']) precede(promises, name, () => step(name));
const { open } = promises;
promises.open = async (path, flags, ...rest) => {
  if (isForWriting(flags)) step('open');
  const handle = await open(path, flags, ...rest);
  precede(handle, 'sync', () => step(isForWriting(flags) ? 'fsync' : 'fsync of the folder'));
  if (!isForWriting(flags)) return handle;
  precede(handle, 'writeFile', (bytes) =>
    step('writeFile, by half', () => writeSync(handle.fd, HALF(bytes))),
  );
  precede(handle, 'close', () => step('close'));
  return handle;
};

const { request } = http;
http.request = (...args) => {
  step('connect');
  const outgoing = request(...args);
  precede(outgoing, 'end', () => step('send'));
  outgoing.prependOnceListener('finish', () => step('all is sent'));
  outgoing.prependOnceListener('response', (answer) => {
    step('the answer begins');
    answer.prependOnceListener('end', () => step('the answer is there'));
  });
  return outgoing;
};

syncBuiltinESMExports();
