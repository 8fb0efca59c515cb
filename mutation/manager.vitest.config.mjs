import { defineConfig } from 'vitest/config';

/** The tests that may kill a mutant of the manager: those that take milliseconds. */
export default defineConfig({
  resolve: { conditions: ['@kilometers/source', 'module', 'node', 'development|production'] },
  test: {
    include: [
      'packages/auth/test/*.test.ts',
      'packages/auth/test/oauth/{narrowed-refresh,ending-login,proof-key}.test.ts',
    ],
    exclude: [
      '**/{cache,file,lock,process,redis}-*.test.ts',
      '**/{lost-login,record-sealer,login-store}.test.ts',
      '**/{config-folder,key-file,machine-id,private-file,private-folder}.test.ts',
      '**/{device-login,device-login-start,entitlements,entitlement-keys}.test.ts',
      '**/{http-transport,provider-contract}.test.ts',
      '**/{docs,seed-coverage,hot-path}.test.ts',
    ],
    // Each mutant runs many files: loading the library once for all of them halves the time.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    testTimeout: 10_000,
  },
});
