// For `node --require`: each thread but the first starts half a minute late, as where a machine has much else to do.
const { isMainThread } = require('node:worker_threads');

if (!isMainThread) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000);
