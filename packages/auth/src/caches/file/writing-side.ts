export { GenerationLock } from './generation-lock.js';
export { makeKeyFile } from './make-key-file.js';
export { createRecordSealer } from './record-sealer.js';
export { makePrivateFolder, replacePrivateFile, sweepTemporaries } from './safe-file.js';
export { updateRecord } from './update-record.js';
