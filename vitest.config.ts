import { defineConfig } from 'vitest/config';

// Workspace packages are read from `src` through their `@kilometers/source` export condition, so that a test
// never runs against a stale build. The rest are Vite's own defaults, which a custom list replaces.
const conditions = ['@kilometers/source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  test: {
    pool: 'forks',
    // A test that only passes the second time has found a race; retrying would hide it.
    retry: 0,
    restoreMocks: true,
    unstubEnvs: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'examples/test/**/*.test.ts'],
          testTimeout: 10_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // They wait more than they work: three files at a time keep two cores busy, and no test counts on being fast.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
