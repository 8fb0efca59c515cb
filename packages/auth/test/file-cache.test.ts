import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileCache } from '../src/index.js';
import { tokenCacheContract } from './contract/token-cache-contract.js';

tokenCacheContract('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'km-file-cache-'));
  return {
    open: () => Promise.resolve(createFileCache({ folder, environment: {} })),
    close: () => rm(folder, { recursive: true, force: true }),
  };
});
