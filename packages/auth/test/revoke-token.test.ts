import { expect, test } from 'vitest';
import { Secret } from '../src/index.js';
import { TransportError, type HttpRequest, type HttpTransport } from '../src/providers/http-transport.js';
import { revokeToken } from '../src/providers/revoke-token.js';

const REFRESH_TOKEN = { token: new Secret('rt'), kind: 'refresh_token' } as const;

/** A transport that answers with `status`, and what it was asked. */
function answering(status: number, text = '', contentType?: string) {
  const asked: HttpRequest[] = [];
  const headers = contentType === undefined ? {} : { 'content-type': contentType };
  const transport: HttpTransport = (request) => {
    asked.push(request);
    return Promise.resolve({ status, headers, text });
  };
  return { asked, transport };
}

test('sends the token and its kind to the revocation endpoint', async () => {
  const { asked, transport } = answering(200);
  const options = { apiEndpoint: 'https://api.example/base/', transport };
  expect(await revokeToken(REFRESH_TOKEN, options)).toBe(true);
  expect(asked.map(({ url, body }) => [url.href, body])).toEqual([
    ['https://api.example/base/api/auth/revoke', '{"token":"rt","token_type_hint":"refresh_token"}'],
  ]);
});

test.each([307, 400, 404, 429, 500, 503])('status %i means that it was not taken', async (status) => {
  const { asked, transport } = answering(status);
  expect(await revokeToken(REFRESH_TOKEN, { apiEndpoint: 'https://api.example', transport })).toBe(false);
  expect(asked).toHaveLength(1);
});

test.each([
  ['<!doctype html><title>Sign in</title>', 'text/html; charset=utf-8'],
  ['\n  <HTML>', undefined],
])(
  'a page with status 200 (%j, %s) is of a captive portal, and means that it was not taken',
  async (...page) => {
    const { transport } = answering(200, ...page);
    expect(await revokeToken(REFRESH_TOKEN, { apiEndpoint: 'https://api.example', transport })).toBe(false);
  },
);

test.each([
  ['{"success":true}', 'application/json'],
  ['', 'text/html; charset=utf-8'],
  ['\r\n', 'text/html'],
  ['{"success":true}', 'text/html'],
  ['OK', 'text/plain'],
  ['OK', 'text/html; charset=utf-8'],
])('what else comes with status 200 (%j, %s) means that it was taken', async (...answer) => {
  const { transport } = answering(200, ...answer);
  expect(await revokeToken(REFRESH_TOKEN, { apiEndpoint: 'https://api.example', transport })).toBe(true);
});

test('an API that cannot be reached has not taken it', async () => {
  const transport: HttpTransport = () => Promise.reject(new TransportError('refused', false));
  expect(await revokeToken(REFRESH_TOKEN, { apiEndpoint: 'https://api.example', transport })).toBe(false);
});

test('sends nothing in the clear to another machine', async () => {
  const { asked, transport } = answering(200);
  await expect(
    revokeToken(REFRESH_TOKEN, { apiEndpoint: 'http://api.example', transport }),
  ).rejects.toMatchObject({
    code: 'KM_AUTH_INSECURE_ENDPOINT',
  });
  expect(asked).toEqual([]);
});
