import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  AuthToken,
  createAuthenticatedClient,
  createAuthManager,
  isAuthError,
  type Fetch,
} from '../src/index.js';

const ORIGIN = 'https://api.example';

function clientWithRecord() {
  const sent: { readonly origin: string; readonly authorization: string | null }[] = [];
  const record: Fetch = (input, init) => {
    const request = new Request(input, init);
    sent.push({
      origin: new URL(request.url).origin,
      authorization: request.headers.get('authorization'),
    });
    return Promise.resolve(new Response('{}'));
  };
  const manager = createAuthManager({
    apiEndpoint: ORIGIN,
    apiKey: 'km_pro_key',
    provider: {
      requestToken: ({ scopes = [] }) =>
        Promise.resolve({
          token: new AuthToken({
            value: 'token-1',
            scopes,
            issuedAtMs: 0,
            expiresAtMs: Number.MAX_SAFE_INTEGER,
          }),
        }),
    },
  });
  return { client: createAuthenticatedClient(manager, 'monitoring', { fetch: record }), sent };
}

test('however a URL is spelt, the token goes to its own origin or nowhere', async () => {
  const part = fc.constantFrom(
    ...[
      'https://',
      'HTTPS://',
      'http://',
      '//',
      'api.example',
      'API.example',
      'evil.example',
      'api.example.',
    ],
    ...['@', ':', ':443', ':8443', '/', '\\', '?', '#', '%2f', '\t', '\n', ' ', 'user', '..', '[::1]'],
  );
  const url = fc.oneof(
    fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    fc.array(part, { maxLength: 6 }).map((parts) => ORIGIN + parts.join('')),
  );
  const { client, sent } = clientWithRecord();

  await fc.assert(
    fc.asyncProperty(url, async (text) => {
      sent.length = 0;
      await client(text).catch(() => undefined);
      for (const { origin } of sent) expect(origin).toBe(ORIGIN);
    }),
    { numRuns: 2_000 },
  );
});

test('a URL of another origin is refused before anything is sent', async () => {
  const { client, sent } = clientWithRecord();

  for (const url of [`${ORIGIN}.evil.example/`, `${ORIGIN}@evil.example/`, `${ORIGIN}:8443/`]) {
    const error: unknown = await client(url).catch((reason: unknown) => reason);
    expect(isAuthError(error, 'KM_AUTH_FOREIGN_ORIGIN')).toBe(true);
  }
  expect(sent).toEqual([]);
});

test("a header of the caller's own gives way to the token, in whatever form and spelling it comes", async () => {
  const { client, sent } = clientWithRecord();
  const url = `${ORIGIN}/api/thing`;

  await client(url);
  await client(url, { headers: { AUTHORIZATION: 'Basic x' } });
  await client(url, { headers: [['Authorization', 'Basic x']] });
  await client(new URL(url), { headers: new Headers({ authorization: 'Basic x' }) });
  await client(new Request(url, { headers: { authorization: 'Basic x' } }));

  expect(sent.map(({ authorization }) => authorization)).toEqual(Array<string>(5).fill('Bearer token-1'));
});
