import { defineConfig } from 'vitest/config';

/** The tests that may kill a mutant of the lock of the files. One of them brings a file system of its own. */
export default defineConfig({
  resolve: { conditions: ['@kilometers/source', 'module', 'node', 'development|production'] },
  test: {
    include: ['packages/auth/test/{lock,process}-*.test.ts'],
    restoreMocks: true,
    unstubEnvs: true,
    testTimeout: 10_000,
  },
});
