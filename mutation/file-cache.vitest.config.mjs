import { defineConfig } from 'vitest/config';

/** The tests that may kill a mutant of the file cache. */
export default defineConfig({
  resolve: { conditions: ['@kilometers/source', 'module', 'node', 'development|production'] },
  test: {
    include: [
      'packages/auth/test/{cache,file,lock,process}-*.test.ts',
      'packages/auth/test/{lost-login,paused-owner,record-sealer,login-store}.test.ts',
      'packages/auth/test/oauth/{discovery,kept-documents}.test.ts',
    ],
    restoreMocks: true,
    unstubEnvs: true,
    testTimeout: 10_000,
  },
});
