import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuthToken, createFileCache, Secret, type GrantKey, type StoredLogin } from '@kilometers/auth';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runAuthRevoke } from '../src/commands/auth-revoke.js';
import { contextWith, temporaryFolder } from './support/context.js';

/** An issuer, and API, that ends refresh tokens and no others; and who logged in there. */
async function user(environment: Readonly<Record<string, string>> = {}) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (request.method === 'POST') asked.push(path);
    const document = {
      issuer: origin,
      token_endpoint: `${origin}/token`,
      revocation_endpoint: `${origin}/end`,
    };
    request.setEncoding('utf8').on('data', (body: string) => {
      if (body.includes('access')) response.statusCode = 400;
    });
    request.on('end', () => {
      const refusal = { error: 'unsupported_token_type' };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(response.statusCode === 400 ? refusal : document));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const folder = temporaryFolder();
  const whole = { HOME: temporaryFolder(), KM_CONFIG_DIR: folder, CI: 'true', ...environment };
  const files = createFileCache({ folder, environment: whole });
  const context = contextWith(whole, { stderr: () => new PassThrough() });
  const grantOf = (credential: string): GrantKey => ({ apiOrigin: origin, profile: 'default', credential });
  const keep = (credential: string, tokens: readonly AuthToken[] = []): Promise<unknown> =>
    files.updateGrant(grantOf(credential), () => ({
      tokens: new Map(tokens.map((token) => ['default', token])),
      unexplainedRequestsAtMs: [],
      refreshToken: { secret: new Secret('refresh'), issuedAtMs: 1 },
    }));
  const config = (profile: object): void =>
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ profiles: { default: profile } }));
  return { asked, origin, files, context, grantOf, keep, config };
}

const TOKEN = new AuthToken({ value: 'access', scopes: [], issuedAtMs: 1, expiresAtMs: 2 });
const OVER = 'km: the login is over with it; run `km auth login`';

describe('km auth revoke, of a login at another issuer', () => {
  async function loggedIn() {
    const person = await user();
    const { files, origin, grantOf, keep, config } = person;
    const provider = { issuer: origin, clientId: 'cli', login: 'browser' };
    const login: StoredLogin = {
      ...{ kind: 'oauth', profile: 'default', apiEndpoint: origin, atMs: 1, keySuffix: '', loginId: '1' },
      ...{ provider, grant: grantOf('login:1:x') },
    };
    await keep('login:1:x');
    config({ provider: { ...provider, clientId: 'another' } });
    return { ...person, login, files };
  }

  test('tells that issuer, also where config.json names another client now', async () => {
    const { asked, files, context, login } = await loggedIn();
    await files.logins.set(login);
    expect(await runAuthRevoke({}, context)).toBe(0);
    expect(asked).toEqual(['/end']);
    expect(context.told).toEqual([
      'km: the provider of profile default in config.json is not the one that was logged in to; that login is not used',
      'km: profile default: 1 token revoked',
      OVER,
    ]);
  });

  test('tells nobody where nothing is left to say whose token it is', async () => {
    const { asked, context, origin } = await loggedIn();
    expect(await runAuthRevoke({}, context)).toBe(0);
    expect(asked).toEqual([]);
    expect(context.told).toContain(
      `km: ${origin} could not be told: the tokens are gone from here, and end there by themselves (the login that they are of is not known here any more)`,
    );
  });
});

describe('km auth revoke, at an issuer that ends no access tokens', () => {
  async function loggedIn() {
    const person = await user();
    const { files, origin, grantOf, keep } = person;
    const provider = { issuer: origin, clientId: 'cli', login: 'browser' };
    await files.logins.set({
      ...{ kind: 'oauth', profile: 'default', apiEndpoint: origin, atMs: 1, keySuffix: '', loginId: '1' },
      ...{ provider, grant: grantOf('login:1:x') },
    });
    await keep('login:1:x', [TOKEN]);
    return person;
  }

  test('says nothing of that where the login is over: what is left ends by itself', async () => {
    const { asked, context } = await loggedIn();
    expect(await runAuthRevoke({}, context)).toBe(0);
    expect(asked).toEqual(['/end', '/end']);
    expect(context.told).toEqual(['km: profile default: 2 tokens revoked', OVER]);
  });

  test('says so of one token alone, which works on there', async () => {
    const { context, origin } = await loggedIn();
    expect(await runAuthRevoke({ scope: ['default'] }, context)).toBe(0);
    expect(context.told[1]).toMatch(`km: ${origin} could not be told: `);
    expect(context.told[1]).toContain('this server ends no tokens of this kind before their time');
  });
});

describe('km auth revoke, with a key in the environment', () => {
  test('says that the login of a person is over, too', async () => {
    const { asked, context, keep, config, origin } = await user({ KILOMETERS_API_KEY: 'km_live_1' });
    config({ apiEndpoint: `${origin}/v2` });
    await keep('login:');
    expect(await runAuthRevoke({}, context)).toBe(0);
    expect(asked).toEqual(['/v2/api/auth/revoke']);
    expect(context.told).toEqual(['km: profile default: 1 token revoked', OVER]);
  });

  test('says nothing of what the key wins anew', async () => {
    const { context, keep, config, origin } = await user({ KILOMETERS_API_KEY: 'km_live_1' });
    config({ apiEndpoint: origin });
    await keep('key:0123');
    expect(await runAuthRevoke({}, context)).toBe(0);
    expect(context.told).toEqual(['km: profile default: 1 token revoked']);
  });
});
