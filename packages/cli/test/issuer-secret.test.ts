import { PassThrough } from 'node:stream';
import { createFileCache, Secret } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { issuerLogin } from '../src/oauth/issuer-login.js';
import { settingsFrom } from '../src/settings.js';
import { contextWith, temporaryFolder } from './support/context.js';

/** Nobody is there: whoever has the secret fails to reach it. */
const ISSUER = 'http://127.0.0.1:9';

/** Logs in at `issuer` as the client of a login before. Tells how that ends. */
async function logInAgain(issuer: string, clientId = 'cli'): Promise<unknown> {
  const environment = { HOME: temporaryFolder(), KM_CONFIG_DIR: temporaryFolder(), CI: 'true' };
  const files = createFileCache({ folder: environment.KM_CONFIG_DIR, environment });
  await files.logins.set({
    ...{ kind: 'oauth', profile: 'default', apiEndpoint: ISSUER, atMs: 1, keySuffix: '' },
    grant: { apiOrigin: ISSUER, profile: 'default', credential: 'oauth:x' },
    provider: { issuer: ISSUER, clientId: 'cli', login: 'client' },
    clientSecret: new Secret('client-secret'),
  });
  const context = contextWith(environment, {
    stderr: () => new PassThrough(),
    stdin: () => new PassThrough(),
  });
  const flags = { issuer, clientId, web: true, clientAuth: 'client_secret_basic' };
  const settings = settingsFrom({}, environment);
  const request = { flags, context, settings, profile: 'default', apiEndpoint: ISSUER };
  return issuerLogin.win({ ...request, onWon: () => undefined }).catch((error: unknown) => error);
}

test.each([ISSUER, `${ISSUER}/`])('a client at %s has the secret of the login before', async (issuer) => {
  expect(await logInAgain(issuer)).toMatchObject({ cause: { code: 'KM_AUTH_UNREACHABLE' } });
});

test.each([
  [ISSUER, 'another'],
  ['http://127.0.0.2:9', 'cli'],
])('another client, or one of another issuer, has not: %s, %s', async (issuer, clientId) => {
  expect(await logInAgain(issuer, clientId)).toMatchObject({
    message: expect.stringContaining('has a secret: give it with --client-secret-stdin') as string,
  });
});
