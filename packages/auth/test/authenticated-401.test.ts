import { describe, expect, test } from 'vitest';
import { createAuthenticatedClient, type Fetch } from '../src/index.js';
import { invalidGrant } from './support/failures.js';
import { settle } from './support/fake-clock.js';
import { outcomeOf, setup, type Setup } from './support/setup.js';
import { unhandledRejections } from './support/unhandled-rejections.js';

const URL_OF_API = 'https://api.kilometers.ai/x';
const unhandled = unhandledRejections();

/** A client of an API that refuses the first token, with `refusal`, and takes every other. */
async function refusedFirst(refusal: () => Response): Promise<Setup & { readonly client: Fetch }> {
  const world = await setup();
  const send: Fetch = async (_input, init) => {
    const isFirst = new Headers(init?.headers).get('authorization') === 'Bearer access-token-1';
    return isFirst ? refusal() : new Response('welcome');
  };
  return { ...world, client: createAuthenticatedClient(world.manager, 'monitoring', { fetch: send }) };
}

/** A body that is never let go. */
function stuckBody(): ReadableStream {
  return new ReadableStream({ cancel: () => new Promise(() => undefined) });
}

function brokenBody(): ReadableStream {
  return new ReadableStream({
    start: (controller) => {
      controller.error(new Error('the body broke'));
    },
  });
}

function lockedBody(): ReadableStream {
  const body = new ReadableStream();
  body.getReader();
  return body;
}

describe.each([
  ['is never let go', stuckBody],
  ['is broken', brokenBody],
  ['is being read already', lockedBody],
])('after a 401 whose body %s', (_what, bodyOf) => {
  const refusal = (): Response => {
    const response = new Response(null, { status: 401 });
    // A `Response` takes no body that is being read.
    Object.defineProperty(response, 'body', { value: bodyOf() });
    return response;
  };

  test('the request is sent again with another token', async () => {
    const { client } = await refusedFirst(refusal);

    expect(await (await client(URL_OF_API)).text()).toBe('welcome');
  });

  test('a refresh that fails is what the caller is told, and ends no process', async () => {
    const { client, provider, manager } = await refusedFirst(refusal);
    await manager.getValidToken('monitoring');
    provider.always({ refuse: invalidGrant() });

    expect(await outcomeOf(client(URL_OF_API))).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    await settle();
    expect(unhandled).toEqual([]);
  });
});
