import { defineConfig } from 'vitest/config';

/** The tests that may kill a mutant of the file cache: those that take milliseconds, and none of the lock's. */
export default defineConfig({
  resolve: { conditions: ['@kilometers/source', 'module', 'node', 'development|production'] },
  test: {
    include: [
      'packages/auth/test/{cache,file}-*.test.ts',
      'packages/auth/test/{config-folder,key-file,machine-id,private-file,private-folder}.test.ts',
      'packages/auth/test/{login-store,lost-login,record-sealer}.test.ts',
      'packages/auth/test/oauth/{discovery,kept-documents}.test.ts',
    ],
    // Thousands of damaged files, one after the other.
    exclude: ['**/file-damage.test.ts'],
    // Each mutant runs many files: loading the library once for all of them halves the time.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    testTimeout: 10_000,
  },
});
