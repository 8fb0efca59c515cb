export { makeKeyFile } from './make-key-file.js';
export { createRecordSealer } from './record-sealer.js';
export { replacePrivateFile } from './safe-file.js';
export { updateRecord } from './update-record.js';
