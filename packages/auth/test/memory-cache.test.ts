import { createMemoryCache } from '../src/index.js';
import { tokenCacheContract } from './contract/token-cache-contract.js';

tokenCacheContract('memory', () => {
  const cache = createMemoryCache();
  return { open: () => Promise.resolve(cache) };
});
