import { createKilometersProvider, createOAuthProvider, Secret } from '../src/index.js';
import { tokenProviderContract } from './contract/token-provider-contract.js';
import { json, startFakeIssuer } from './oauth/fake-issuer.js';
import { drop, type Reply } from './support/http-server.js';
import { startWireApi, WIRE_CLIENT, WIRE_KEY } from './support/wire-api.js';

tokenProviderContract('Kilometers, over a socket', async () => {
  const api = await startWireApi();
  const provider = createKilometersProvider({ apiEndpoint: api.origin });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await api[Symbol.asyncDispose]();
    isOpen = false;
  };
  return {
    provider,
    mint: (...scopes) =>
      provider.requestToken({ grantType: 'api_key', apiKey: new Secret(WIRE_KEY), scopes }),
    client: WIRE_CLIENT,
    refuseNext: (status, seconds) => {
      api.next({
        reply: { status, ...(seconds !== undefined && { headers: { 'retry-after': String(seconds) } }) },
      });
    },
    loseNextAnswer: () => {
      api.next({ dropAnswer: true });
    },
    goAway: close,
    close,
  };
});

tokenProviderContract('OAuth, over a socket', async () => {
  const issuer = await startFakeIssuer();
  const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'cli' });
  const troubles: Reply[] = [];
  const good = new Map<string, string>();
  let issued = 0;
  const login = (scope: string): string => {
    issued += 1;
    good.set(`refresh-${String(issued)}`, scope);
    return `refresh-${String(issued)}`;
  };
  issuer.replies.set('/token', ({ body }) => {
    const trouble = troubles.shift();
    if (trouble !== undefined) return trouble;
    const sent = new URLSearchParams(body).get('refresh_token') ?? '';
    const scope = good.get(sent);
    if (scope === undefined) return json({ error: 'invalid_grant' }, 400);
    good.delete(sent);
    const refreshToken = login(scope);
    return json({
      access_token: `access-${String(issued)}`,
      token_type: 'bearer',
      expires_in: 60,
      scope,
      refresh_token: refreshToken,
    });
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await issuer[Symbol.asyncDispose]();
    isOpen = false;
  };
  return {
    provider,
    mint: (...scopes) =>
      provider.requestToken({
        grantType: 'refresh_token',
        refreshToken: new Secret(login(scopes.join(' '))),
        scopes,
      }),
    refuseNext: (status, seconds) => {
      troubles.push({
        status,
        ...(seconds !== undefined && { headers: { 'retry-after': String(seconds) } }),
      });
    },
    loseNextAnswer: () => {
      troubles.push(drop);
    },
    goAway: close,
    close,
  };
});
