import fc from 'fast-check';
import { expect } from 'vitest';
import {
  createMemoryCache,
  isAuthError,
  TokenRequestError,
  type AuthToken,
  type GrantRecord,
  type TokenCache,
} from '../../src/index.js';
import { answerLost, offline, overloaded } from './failures.js';
import { fakeClock, settle } from './fake-clock.js';
import type { ScriptedProvider, Trouble } from './scripted-provider.js';
import { API_KEY, MINUTE, outcomeOf, setup } from './setup.js';

/** One thing that happens. */
export type Step =
  | {
      readonly do: 'ask' | 'force';
      readonly who: number;
      readonly scope: number;
      readonly wait: 'if-expired' | 'if-due';
      readonly minValidMs: number;
      readonly abortAfterMs: number | null;
    }
  /** So many milliseconds pass, and so much of a token's lifetime. */
  | { readonly do: 'pass'; readonly ms: number; readonly lifetimes: number }
  | { readonly do: 'jump'; readonly ms: number }
  | { readonly do: 'trouble'; readonly kind: keyof typeof TROUBLES; readonly latencyMs: number };

/** What a random life begins with. */
export type Beginning = {
  readonly hasApiKey: boolean;
  readonly isLoggedIn: boolean;
  readonly lifetimeMs: number;
  readonly latencyMs: number;
  readonly graceMs: number;
  readonly background: boolean;
  /** Whether the wall clock is set, also back; otherwise the machine sleeps, and there is a second process. */
  readonly isClockSet: boolean;
};

const SCOPES = ['a', 'b', 'a b'] as const;

const LONG_REST_MS = 120_000;

const TROUBLES = {
  offline: (): Trouble => ({ refuse: offline() }),
  overloaded: (): Trouble => ({ refuse: overloaded() }),
  gateway: (): Trouble => ({ refuse: overloaded({ status: 502 }) }),
  'short rest': (): Trouble => ({ refuse: overloaded({ status: 429, retryAfterMs: 5_000 }) }),
  'long rest': (): Trouble => ({ refuse: overloaded({ retryAfterMs: LONG_REST_MS }) }),
  'never heard': (): Trouble => ({ refuse: answerLost() }),
  'answer lost': (): Trouble => ({ loseAnswer: true }),
  slow: (): Trouble => ({}),
};

const anAsk = fc.record({
  do: fc.constantFrom('ask' as const, 'ask' as const, 'ask' as const, 'force' as const),
  who: fc.nat(1),
  scope: fc.nat(SCOPES.length - 1),
  wait: fc.constantFrom('if-expired' as const, 'if-due' as const),
  minValidMs: fc.constantFrom(0, 0, 0, 1_000, 20_000),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { freq: 4 }),
});
const aPause = fc.record({
  do: fc.constant('pass' as const),
  ms: fc.integer({ min: 0, max: 5_000 }),
  lifetimes: fc.constantFrom(0, 0, 0.4, 0.5, 0.9, 0.99, 1, 2.5),
});
const aJump = fc.record({
  do: fc.constant('jump' as const),
  ms: fc.integer({ min: -4_000_000, max: 4_000_000 }),
});
const aTrouble = fc.record({
  do: fc.constant('trouble' as const),
  kind: fc.constantFrom(...(Object.keys(TROUBLES) as (keyof typeof TROUBLES)[])),
  latencyMs: fc.constantFrom(0, 50, 1_500, 15_000),
});

export const aBeginning: fc.Arbitrary<Beginning> = fc.record({
  hasApiKey: fc.boolean(),
  isLoggedIn: fc.boolean(),
  lifetimeMs: fc.constantFrom(2_000, 10_000, 60_000, 3_600_000),
  latencyMs: fc.constantFrom(0, 100),
  graceMs: fc.constantFrom(0, 10_000),
  background: fc.boolean(),
  isClockSet: fc.boolean(),
});

export const someSteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { arbitrary: anAsk, weight: 6 },
    { arbitrary: aPause, weight: 5 },
    { arbitrary: aTrouble, weight: 3 },
    { arbitrary: aJump, weight: 1 },
  ),
  { minLength: 5, maxLength: 30 },
);

/** A cache that fails the test when a change takes away what nothing but a definite rejection may. */
function guarded(cache: TokenCache, provider: () => ScriptedProvider | undefined): TokenCache {
  const assertKept = (before: GrantRecord | undefined, after: GrantRecord | undefined): void => {
    const rejected = (provider()?.requests ?? []).filter((request) => request.outcome === 'rejected');
    const secret = before?.refreshToken?.secret.reveal();
    if (secret !== undefined && after?.refreshToken === undefined)
      expect(rejected.map((request) => request.secret)).toContain(secret);
    const lost = [...(before?.tokens.keys() ?? [])].filter((key) => after?.tokens.has(key) !== true);
    if (rejected.length === 0) expect(lost).toEqual([]);
  };
  return {
    ...cache,
    updateGrant: (key, change) =>
      cache.updateGrant(key, (before) => {
        const after = change(before);
        assertKept(before, after);
        return after;
      }),
  };
}

/** Lives through `steps`, and checks after each what must always hold. */
export async function live(beginning: Beginning, steps: readonly Step[]): Promise<void> {
  const { lifetimeMs, latencyMs, graceMs, isClockSet } = beginning;
  const clock = fakeClock();
  const found: unknown[] = [];
  const known: { provider?: ScriptedProvider } = {};
  const cache = guarded(createMemoryCache({ clock }), () => known.provider);
  const world = await setup({
    clock,
    cache,
    random: () => 0.5,
    service: { lifetimeMs, latencyMs, graceMs },
    ...(beginning.isLoggedIn && { login: ['a', 'b'] }),
    apiKey: beginning.hasApiKey ? API_KEY : undefined,
  });
  known.provider = world.provider;
  // A second process cannot know that the wall clock was set back before it looked.
  const managers = [world.manager, isClockSet ? world.manager : world.another()];
  const answers: Promise<void>[] = [];

  const check = (token: AuthToken, minValidMs: number): void => {
    expect(world.provider.trueExpiryMs(token), 'an expired token was handed out').toBeGreaterThan(
      clock.trueMs(),
    );
    expect(token.remainingMs(clock.nowMs())).toBeGreaterThanOrEqual(minValidMs);
  };
  const ask = (step: Extract<Step, { readonly do: 'ask' | 'force' }>): void => {
    const abort = new AbortController();
    if (step.abortAfterMs !== null) clock.schedule(() => abort.abort(), step.abortAfterMs, true);
    const { wait, minValidMs } = step;
    const { signal } = abort;
    const manager = managers[step.who]!;
    const scope = SCOPES[step.scope]!;
    const asked =
      step.do === 'ask'
        ? manager.getValidToken(scope, { signal, wait, minValidMs })
        : manager.forceRefresh(scope, { signal });
    const checked = asked.then(
      (token) => check(token, step.do === 'ask' ? minValidMs : 0),
      (error: unknown) => expect(isAuthError(error), String(error)).toBe(true),
    );
    answers.push(checked.catch((error: unknown) => void found.push(error)));
  };

  const take = async (step: Step): Promise<void> => {
    switch (step.do) {
      case 'ask':
      case 'force':
        ask(step);
        return;
      case 'pass':
        return clock.advance(step.ms + step.lifetimes * lifetimeMs);
      case 'trouble':
        world.provider.next({ ...TROUBLES[step.kind](), latencyMs: step.latencyMs });
        return;
      case 'jump':
        return shake(step.ms);
    }
  };

  if (beginning.background) world.manager.start();
  for (const step of steps) {
    await take(step);
    if (found.length > 0) throw found[0];
  }
  // Who waits for a lock, an answer or a rest waits minutes, not hours; stopping ends no wait of a caller.
  const stopped = managers.map((manager) => manager.stop());
  await clock.advance(10 * MINUTE);
  await Promise.all([...answers, ...stopped]);
  if (found.length > 0) throw found[0];

  const { requests, mostInFlight } = world.provider;
  expect(mostInFlight, 'requests under way at one time').toBeLessThanOrEqual(1);
  for (const [index, { grantType, secret, outcome }] of requests.entries()) {
    const isOver = grantType === 'refresh_token' && (outcome === 'answered' || outcome === 'rejected');
    const again = requests.slice(index + 1).filter((request) => request.secret === secret);
    if (isOver) expect(again, `${secret} was sent again after it was ${outcome}`).toEqual([]);
  }
  if (beginning.hasApiKey) await askAtLast();

  /** What was to be had at once has been had by then. */
  async function shake(ms: number): Promise<void> {
    await settle();
    if (isClockSet) clock.jumpWall(ms);
    else clock.sleepMachine(Math.abs(ms));
  }

  /** Once all trouble is over, there is a token; where the clock was set back, a rest may begin anew and end. */
  async function askAtLast(): Promise<void> {
    world.provider.clearTroubles();
    const isResting = (outcome: unknown): boolean =>
      outcome instanceof TokenRequestError && outcome.failure.retryAfterMs !== undefined;
    let outcome: unknown;
    for (let restMs = 0; restMs <= LONG_REST_MS; restMs += MINUTE) {
      const asked = outcomeOf(world.manager.getValidToken('a').then((token) => check(token, 0)));
      await clock.advance(MINUTE);
      outcome = await asked;
      if (!isClockSet || !isResting(outcome)) break;
    }
    if (outcome instanceof Error) throw outcome;
  }
}
