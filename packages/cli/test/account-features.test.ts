import { AuthToken } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { accountFeatures } from '../src/login/account-features.js';
import { FakeClock } from './support/fake-clock.js';

test('an answer that does not let go is not waited for', async () => {
  const clock = new FakeClock();
  const body = new ReadableStream({ cancel: () => new Promise<void>(() => undefined) });
  const token = new AuthToken({
    value: 'token',
    type: 'Bearer',
    scopes: [],
    issuedAtMs: clock.nowMs(),
    expiresAtMs: clock.nowMs() + 60_000,
  });
  const send = () => Promise.resolve(new Response(body, { status: 404 }));
  await expect(
    accountFeatures(token, 'https://api.example', { fetch: send, clock }),
  ).resolves.toBeUndefined();
});
