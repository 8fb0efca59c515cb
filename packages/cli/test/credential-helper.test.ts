import { Readable } from 'node:stream';
import { AuthToken, createMemoryCache, Secret, systemClock, type GrantKey } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import type { Account } from '../src/settings.js';
import { credentialHelper, type HelperOptions } from '../src/token-format/credential-helper.js';
import { printToken, type PlainFormat } from '../src/token-format/print-token.js';
import { contextWith } from './support/context.js';

const REGISTRY = 'https://registry.example';
const GRANT: GrantKey = { apiOrigin: 'https://id.example', profile: 'default', credential: 'login:1:x' };

/** A profile whose tokens are of one origin, and go to another, with a token for `read`. */
async function profile(proofKey?: Secret) {
  const clock = systemClock;
  const cache = createMemoryCache({ clock });
  const nowMs = clock.nowMs();
  const token = new AuthToken({
    ...{ value: 'access', scopes: ['read'], issuedAtMs: nowMs },
    expiresAtMs: nowMs + 3_600_000,
    proofKey,
  });
  await cache.updateGrant(GRANT, () => ({ tokens: new Map([['read', token]]), unexplainedRequestsAtMs: [] }));
  const account = {
    profile: { value: 'default', source: 'default' },
    endpoint: { value: REGISTRY, source: 'login' },
    oauth: { grant: GRANT, keySuffix: '' },
  } as unknown as Account;
  const answers: string[] = [];
  const ask = (format: 'git' | 'docker', action: string, input: string): Promise<number> => {
    const context = contextWith(
      {},
      {
        stdin: () => Readable.from([input]),
        answer: (text) => Promise.resolve(answers.push(text) > 0),
      },
    );
    const options: HelperOptions = {
      ...{ account, storage: { cache }, context, scope: 'read', hosts: undefined, username: 'oauth2' },
      getToken: () => Promise.resolve(token),
    };
    return credentialHelper(format, action)(options);
  };
  const left = async () => [...((await cache.getGrant(GRANT))?.tokens.keys() ?? [])];
  return { ask, answers, left, token };
}

describe('a profile whose tokens go elsewhere than to their issuer', () => {
  test('drops the token that git says was refused', async () => {
    const { ask, left } = await profile();
    const request = 'protocol=https\nhost=registry.example\nusername=oauth2\npassword=access\n\n';
    expect(await ask('git', 'erase', request)).toBe(0);
    expect(await left()).toEqual([]);
  });

  test('drops the token that docker says was refused', async () => {
    const { ask, left } = await profile();
    expect(await ask('docker', 'erase', REGISTRY)).toBe(0);
    expect(await left()).toEqual([]);
  });

  test('lets docker keep the token that it was given', async () => {
    const { ask, answers } = await profile();
    const login = { ServerURL: REGISTRY, Username: 'oauth2', Secret: 'access' };
    expect(await ask('docker', 'store', JSON.stringify(login))).toBe(0);
    expect(answers).toEqual([]);
  });
});

describe('a token that is bound to a key', () => {
  const refused = (format: string) =>
    `the token is bound to a key, and --format ${format} has no place for the proof of it: use --format dpop-header, or log in without --dpop`;

  test('is given neither to git nor to docker, whose servers would refuse it', async () => {
    const { ask, answers } = await profile(new Secret('{}'));
    const request = 'protocol=https\nhost=registry.example\n\n';
    await expect(ask('git', 'get', request)).rejects.toThrow(refused('git'));
    expect(answers).toEqual([]);
    await expect(ask('docker', 'get', REGISTRY)).rejects.toThrow(refused('docker'));
    // Docker reads why there.
    expect(answers).toEqual([`km: ${refused('docker')}\n`]);
  });

  test('is not printed where nothing says that a proof has to go with it', async () => {
    const { token } = await profile(new Secret('{}'));
    const print = (format: PlainFormat): string =>
      printToken(token, format, { nowMs: 0, refreshAheadMs: 0 }, {});
    expect(() => print('k8s')).toThrow(refused('k8s'));
    expect(() => print('aws')).toThrow(refused('aws'));
    expect(print('raw')).toBe('access');
  });
});
