import { expect, test } from 'vitest';
import { CLI } from './support/oauth-clients.js';
import { runOAuthProgram, startOAuthLogin } from './support/oauth-login.js';
import { JWT_API, OPAQUE_API, startOAuthServer } from './support/oauth-server.js';

const APIS = [JWT_API, OPAQUE_API];

test('16 programs that want tokens for two APIs share one login, and none is given a token of the other API', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const resources = { [JWT_API]: 'read write', [OPAQUE_API]: 'read write' };
  const login = await startOAuthLogin(server, { OAUTH_SCOPE: 'read' }, { resources });

  const ends = await Promise.all(
    Array.from({ length: 16 }, (_, each) => runOAuthProgram(login, { OAUTH_RESOURCE: APIS[each % 2] ?? '' })),
  );

  const [ofJwtApi, ofOpaqueApi] = [0, 1].map((rest) => [
    ...new Set(ends.filter((_, each) => each % 2 === rest).map(({ token }) => token ?? 'none')),
  ]);
  expect([ofJwtApi, ofOpaqueApi]).toMatchObject([{ length: 1 }, { length: 1 }]);
  const [, claims = ''] = ofJwtApi?.[0]?.split('.') ?? [];
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
    aud: JWT_API,
    scope: 'read',
  });
  expect(await server.provider.AccessToken.find(ofOpaqueApi?.[0] ?? '')).toMatchObject({ aud: OPAQUE_API });
  expect([server.refreshes(), server.revoked()]).toEqual([2, 0]);
});

test('a token that is kept for one API is taken again for it, and never for another, or for none', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const resources = { [JWT_API]: 'read write', [OPAQUE_API]: 'read write' };
  const login = await startOAuthLogin(server, { OAUTH_SCOPE: 'read' }, { resources });
  const tokenFor = async (api: string): Promise<string | undefined> =>
    (await runOAuthProgram(login, { OAUTH_RESOURCE: api })).token;

  const jwt = await tokenFor(JWT_API);
  const opaque = await tokenFor(OPAQUE_API);

  expect([await tokenFor(JWT_API), await tokenFor(OPAQUE_API)]).toEqual([jwt, opaque]);
  expect(jwt).not.toBe(opaque);
  expect(server.refreshes()).toBe(2);
});
