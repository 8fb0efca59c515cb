import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aBeginning, live, someSteps, type Beginning, type Step } from './support/random-life.js';

/** More, and other, lives: `KM_TEST_RUNS=20000 npx vitest run packages/auth/test/random-life.test.ts`. */
const numRuns = Number(process.env['KM_TEST_RUNS'] ?? 500);

const ASK = { do: 'ask', who: 0, scope: 0, wait: 'if-expired', minValidMs: 0, abortAfterMs: null } as const;

const BEGINNING: Beginning = {
  hasApiKey: false,
  isLoggedIn: true,
  lifetimeMs: 2_000,
  latencyMs: 0,
  graceMs: 0,
  background: false,
  isClockSet: false,
};

/** Lives that once went wrong, as fast-check shrank them. */
const KEPT: readonly (readonly [string, Beginning, readonly Step[]])[] = [
  [
    'a due token that a caller waits with for a newer one expires while it waits',
    BEGINNING,
    [
      { do: 'trouble', kind: 'offline', latencyMs: 0 },
      ASK,
      { do: 'trouble', kind: 'offline', latencyMs: 0 },
      { do: 'pass', ms: 2_450, lifetimes: 0 },
      ASK,
      { do: 'trouble', kind: 'offline', latencyMs: 0 },
      { do: 'trouble', kind: 'offline', latencyMs: 1_500 },
      { ...ASK, wait: 'if-due' },
    ],
  ],
  [
    'a lost answer is asked for again, slowly, while others wait',
    { ...BEGINNING, graceMs: 10_000 },
    [
      { do: 'trouble', kind: 'answer lost', latencyMs: 0 },
      { do: 'trouble', kind: 'offline', latencyMs: 1_500 },
      ASK,
      ASK,
      { do: 'pass', ms: 0, lifetimes: 0 },
      ASK,
      ASK,
    ],
  ],
];

describe('whatever happens, in whatever order,', () => {
  test(
    'requests of a grant never overlap, no refresh token is used twice, nobody gets an expired token, nothing is lost, everybody is answered',
    async () => {
      await fc.assert(fc.asyncProperty(aBeginning, someSteps, live), { numRuns });
      expect.hasAssertions();
    },
    20_000 + numRuns * 50,
  );

  test.each(KEPT)('even when %s', async (_, beginning, steps) => {
    await live(beginning, steps);
    expect.hasAssertions();
  });
});
