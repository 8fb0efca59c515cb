import { describe, expect, test } from 'vitest';
import { createOAuthProvider, type IssuerDeviceLoginOptions } from '../../src/index.js';
import { TransportError, type HttpAnswer } from '../../src/providers/http-transport.js';
import { fakeClock, settle } from '../support/fake-clock.js';

const ISSUER = 'https://id.example';
const METADATA = {
  issuer: ISSUER,
  token_endpoint: `${ISSUER}/token`,
  device_authorization_endpoint: `${ISSUER}/device`,
  scopes_supported: ['openid', 'offline_access', 'email'],
};
const CODE = { device_code: 'device-secret', user_code: 'BCDF-GHJK', verification_uri: `${ISSUER}/go` };

const answered = (status: number, body: unknown, headers: HttpAnswer['headers'] = {}): HttpAnswer => ({
  status,
  headers,
  text: JSON.stringify(body),
});
const refused = (error: string, description?: string) =>
  answered(400, { error, ...(description !== undefined && { error_description: description }) });
const PENDING = refused('authorization_pending');
const GRANTED = answered(200, {
  access_token: 'access',
  refresh_token: 'refresh',
  expires_in: 60,
  scope: 'openid',
});

type Reply = HttpAnswer | Error;

/** An issuer that gives `code`, and to the polls `replies` in turn, the last of them for ever. */
function scripted(replies: readonly Reply[], code: Reply = answered(200, CODE), metadata: object = METADATA) {
  const clock = fakeClock();
  const forms: Record<string, Record<string, string>[]> = { '/device': [], '/token': [] };
  const pollsAtS: number[] = [];
  const give = (reply: Reply): Promise<HttpAnswer> =>
    reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
  const provider = createOAuthProvider({
    issuer: ISSUER,
    clientId: 'app',
    clock,
    transport: ({ url, body }) => {
      forms[url.pathname]?.push(Object.fromEntries(new URLSearchParams(body)));
      if (url.pathname.startsWith('/.well-known')) return give(answered(200, metadata));
      if (url.pathname === '/device') return give(code);
      pollsAtS.push(Math.round(clock.monotonicMs() / 1_000));
      return give(replies[Math.min(pollsAtS.length, replies.length) - 1] ?? PENDING);
    },
  });
  const start = (options?: IssuerDeviceLoginOptions) => provider.startDeviceLogin(options);
  return { clock, forms, pollsAtS, start };
}

describe('a device login at any issuer', () => {
  test('tells code and link, asks as often as every five seconds where the issuer does not say, and brings a login', async () => {
    const { clock, forms, pollsAtS, start } = scripted([PENDING, PENDING, GRANTED]);
    const login = await start();
    expect(login).toMatchObject({
      userCode: 'BCDF-GHJK',
      verificationUri: `${ISSUER}/go`,
      verificationUriComplete: undefined,
    });
    const waiting = login.wait();
    await clock.advance(15_000);

    const { grant, askedScopes } = await waiting;
    expect(pollsAtS).toEqual([5, 10, 15]);
    expect([grant.token.reveal(), grant.refreshToken?.reveal()]).toEqual(['access', 'refresh']);
    expect([askedScopes, grant.token.scopes]).toEqual([['openid', 'offline_access'], ['openid']]);
    expect(forms['/device']).toEqual([{ client_id: 'app', scope: 'openid offline_access' }]);
    expect(forms['/token']?.[0]).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: 'device-secret',
      client_id: 'app',
    });
  });

  test('brings a token that goes on where the issuer says no end of it, and gives no refresh token', async () => {
    const { clock, start } = scripted([answered(200, { access_token: 'access', token_type: 'bearer' })]);
    const waiting = (await start()).wait();
    await clock.advance(5_000);

    expect((await waiting).grant.token.remainingMs(clock.nowMs() + 86_400_000)).toBeGreaterThan(86_400_000);
  });

  test('asks for the scopes that were chosen, and waits as long as the issuer says', async () => {
    const { clock, forms, pollsAtS, start } = scripted([GRANTED], answered(200, { ...CODE, interval: 30 }));
    const waiting = (await start({ scopes: ['email'] })).wait();
    await clock.advance(30_000);
    await waiting;
    expect(pollsAtS).toEqual([30]);
    expect(forms['/device']?.[0]).toMatchObject({ scope: 'email' });
  });

  test('asks more slowly for good after slow_down', async () => {
    const { clock, pollsAtS, start } = scripted([refused('slow_down'), PENDING, GRANTED]);
    const waiting = (await start()).wait();
    await clock.advance(25_000);
    await waiting;
    expect(pollsAtS).toEqual([5, 15, 25]);
  });

  test('rides out a 503 and a network that is gone', async () => {
    const gone = new TransportError('connection refused', false);
    const { clock, start } = scripted([answered(503, {}), gone, gone, GRANTED]);
    const waiting = (await start()).wait();
    await clock.advance(120_000);
    expect((await waiting).grant.token.reveal()).toBe('access');
  });

  test.each([
    ['access_denied', 'KM_AUTH_GRANT_REJECTED', 'refused in the browser'],
    ['expired_token', 'KM_AUTH_GRANT_REJECTED', 'start again for a new one'],
    ['invalid_client', 'KM_AUTH_CONFIGURATION', 'check the client id'],
  ])('ends with %s', async (error, code, words) => {
    const { clock, pollsAtS, start } = scripted([refused(error, 'because')]);
    const waiting = (await start()).wait();
    waiting.catch(() => undefined);
    await clock.advance(60_000);
    await expect(waiting).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
    expect(pollsAtS).toEqual([5]);
  });

  test('ends with its code, though nobody says so', async () => {
    const { clock, start } = scripted([PENDING], answered(200, { ...CODE, expires_in: 12 }));
    const waiting = (await start()).wait();
    waiting.catch(() => undefined);
    await clock.advance(30_000);
    await expect(waiting).rejects.toMatchObject({ code: 'KM_AUTH_GRANT_REJECTED' });
  });

  test('is given up by its signal', async () => {
    const { clock, start } = scripted([PENDING]);
    const giveUp = new AbortController();
    const waiting = (await start()).wait({ signal: giveUp.signal });
    waiting.catch(() => undefined);
    await settle();
    giveUp.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'KM_AUTH_ABORTED' });
    expect(clock.timers().filter(({ keepsAlive }) => keepsAlive)).toEqual([]);
  });

  test('says so where the issuer knows no such logins, or refuses this one', async () => {
    const unknown = scripted([], undefined, { ...METADATA, device_authorization_endpoint: undefined });
    await expect(unknown.start()).rejects.toMatchObject({
      code: 'KM_AUTH_CONFIGURATION',
      message: expect.stringContaining('nobody can log in there with a code') as string,
    });
    const refusing = scripted([], refused('unauthorized_client', 'no device grant'));
    await expect(refusing.start()).rejects.toMatchObject({
      code: 'KM_AUTH_CONFIGURATION',
      message: expect.stringMatching(/unauthorized_client \(no device grant\); .*allow the grant/) as string,
    });
  });

  test('takes the link of an issuer that calls it verification_url', async () => {
    const { verification_uri: verificationUrl, ...rest } = CODE;
    const { start } = scripted([], answered(200, { ...rest, verification_url: verificationUrl }));
    expect((await start()).verificationUri).toBe(`${ISSUER}/go`);
  });
});
