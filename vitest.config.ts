import { defineConfig } from 'vitest/config';

// Workspace packages are read as `npm run build` leaves them, which `npm test` runs first: tests see what users get.
export default defineConfig({
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
