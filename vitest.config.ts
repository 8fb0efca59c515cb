import { defineConfig } from 'vitest/config';

// Workspace packages are read from `src` through their `@kilometers/source` export condition, so that a test
// never runs against a stale build. The rest are Vite's own, without `module`, which only bundlers can read.
const conditions = ['@kilometers/source', 'node', 'development|production'];

/** Tests that put another module in the place of one: only in a process of their own it is not there already. */
const WITH_OTHER_MODULES = [
  'packages/auth/test/lock-files.test.ts',
  'packages/auth/test/lock-interleavings.test.ts',
  'packages/auth/test/private-file.test.ts',
  'packages/auth/test/redis-loading.test.ts',
  'packages/cli/test/prelude-unremovable.test.ts',
  'packages/cli/test/queue-folder-unreadable.test.ts',
];

export default defineConfig({
  ssr: { resolve: { conditions } },
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
          exclude: WITH_OTHER_MODULES,
          // A process for many files: to start one for each takes longer than the tests.
          isolate: false,
          // They wait for disks, processes and sockets, which other work may keep busy. No test counts on being fast.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'unit-apart',
          include: WITH_OTHER_MODULES,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // They wait more than they work: four files at a time keep two cores busy, and no test counts on being fast.
          maxWorkers: 4,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
