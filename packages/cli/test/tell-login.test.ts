import { PassThrough } from 'node:stream';
import { AuthToken, systemClock } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { tellIssuerLogin } from '../src/oauth/tell-login.js';
import { contextWith } from './support/context.js';

const ISSUER = 'https://id.example';

test.each([
  [3_600_000, 'ends in 60 m.'],
  [10 * 365 * 86_400_000, 'ends when the issuer takes its token no more.'],
])('a login of a token that lives for %d ms and without a refresh token %s', (lifetimeMs, said) => {
  const context = contextWith(
    {},
    { clock: { ...systemClock, nowMs: () => 0 }, stderr: () => new PassThrough() },
  );
  const token = new AuthToken({ value: 'a', scopes: [], issuedAtMs: 0, expiresAtMs: lifetimeMs });
  const provider = { issuer: ISSUER, clientId: 'cli', login: 'browser' as const };
  const grant = { apiOrigin: ISSUER, profile: 'default', credential: 'login:1:x' };
  const login = {
    ...{ kind: 'oauth' as const, profile: 'default', apiEndpoint: ISSUER, atMs: 0, keySuffix: '' },
    ...{ provider, grant, loginId: '1' },
  };
  tellIssuerLogin({ login, token, provider, grants: [] }, context);
  expect(context.told.at(-1)).toContain(`km: the issuer gave no refresh token: this login ${said}`);
});
