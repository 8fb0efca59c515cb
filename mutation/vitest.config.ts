import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@kilometers/source', 'module', 'node', 'development|production'] },
  test: {
    include: ['packages/auth/test/*.test.ts'],
    exclude: ['**/redis-*.test.ts', '**/docs.test.ts', '**/seed-coverage.test.ts', '**/hot-path.test.ts'],
    restoreMocks: true,
    unstubEnvs: true,
    testTimeout: 10_000,
  },
});
