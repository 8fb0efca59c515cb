/* Required before a program (`node --require`): what it waits for by a timer comes 200 times as soon. */
'use strict';
const wait = globalThis.setTimeout;
globalThis.setTimeout = (callback, ms, ...args) => wait(callback, ms / 200, ...args);
