import { expect, test } from 'vitest';
import { AuthToken } from '../src/index.js';
import { createProofKey } from '../src/dpop-proof.js';
import { ProvedRequests } from '../src/proved-requests.js';

const NOW_MS = Date.UTC(2030, 0, 1);
const TOKEN = new AuthToken({
  value: 't',
  type: 'DPoP',
  scopes: [],
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 60_000,
  proofKey: createProofKey(),
});

function lockedBody(): ReadableStream {
  const body = new ReadableStream();
  body.getReader();
  return body;
}

const BODIES: readonly [string, () => ReadableStream][] = [
  ['is never let go', () => new ReadableStream({ cancel: () => new Promise(() => undefined) })],
  [
    'is broken',
    () =>
      new ReadableStream({
        start: (controller) => {
          controller.error(new Error('the body broke'));
        },
      }),
  ],
  ['is being read already', lockedBody],
];

/** Requests to a server whose first answer has this status and headers, and such a body. */
function answeredFirst(status: number, headers: Record<string, string>, body: ReadableStream) {
  let isFirst = true;
  return new ProvedRequests(
    () => {
      const answer = isFirst ? new Response(null, { status, headers }) : new Response('welcome');
      // A `Response` takes no body that is being read.
      if (isFirst) Object.defineProperty(answer, 'body', { value: body });
      isFirst = false;
      return Promise.resolve(answer);
    },
    () => NOW_MS,
  );
}

test.each(BODIES)(
  'a request is sent with the nonce that was asked for, though that body %s',
  async (_, body) => {
    const challenge = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n-1' };
    const requests = answeredFirst(401, challenge, body());

    expect(await (await requests.send(TOKEN, 'https://api.example/', {})).text()).toBe('welcome');
  },
);

test.each(BODIES)('a redirect is followed, though its body %s', async (_, body) => {
  const requests = answeredFirst(302, { location: '/there' }, body());

  expect(await (await requests.send(TOKEN, 'https://api.example/', {})).text()).toBe('welcome');
});
