import { AuthToken } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { accountFeatures } from '../src/login/account-features.js';
import { endlessBody } from './support/endless-body.js';
import { FakeClock } from './support/fake-clock.js';

const clock = new FakeClock();
const token = new AuthToken({
  value: 'token',
  type: 'Bearer',
  scopes: [],
  issuedAtMs: clock.nowMs(),
  expiresAtMs: clock.nowMs() + 60_000,
});
const featuresIn = (answer: Response) =>
  accountFeatures(token, 'https://api.example', { fetch: () => Promise.resolve(answer), clock });

test('an answer that does not let go is not waited for', async () => {
  const body = new ReadableStream({ cancel: () => new Promise<void>(() => undefined) });
  await expect(featuresIn(new Response(body, { status: 404 }))).resolves.toBeUndefined();
});

test('of an answer that goes on and on only the start is read', async () => {
  const { body, sent } = endlessBody();
  await expect(featuresIn(new Response(body))).resolves.toBeUndefined();
  expect(sent()).toBeLessThan(1_000_000);
});

test('the tier and the features are told', async () => {
  const answer = new Response('{"tier":"pro","features":["fleet_cache",7]}');
  await expect(featuresIn(answer)).resolves.toEqual({ tier: 'pro', features: ['fleet_cache'] });
});
