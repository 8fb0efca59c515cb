import { expect, test } from 'vitest';
import {
  createAuthManager,
  createMemoryCache,
  createOAuthProvider,
  Secret,
  type OAuthGrant,
} from '../../src/index.js';
import { json, startFakeIssuer } from './fake-issuer.js';

type Exchange = OAuthGrant & { readonly type: 'token_exchange' };
type Actor = Pick<Exchange, 'actorToken' | 'actorId'>;

const SUBJECT: Exchange = {
  type: 'token_exchange',
  subjectToken: () => Promise.resolve(new Secret('subject-1')),
  subjectId: 'u1',
};

function actor(actorId: string): Actor {
  return { actorToken: () => Promise.resolve(new Secret(`actor-of-${actorId}`)), actorId };
}

/** An issuer that says in a token who acts, and managers that share one profile and one cache. */
async function exchanging() {
  const issuer = await startFakeIssuer();
  issuer.replies.set('/token', ({ body }) => {
    const access_token = `for-${new URLSearchParams(body).get('actor_token') ?? 'nobody'}`;
    return json({ access_token, token_type: 'Bearer', expires_in: 3_600 });
  });
  const cache = createMemoryCache();
  const tokenOf = async (more: Partial<Actor> = {}): Promise<string> => {
    const grant = { ...SUBJECT, ...more } as Exchange;
    const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'svc', grant });
    return (await createAuthManager({ provider, cache }).getValidToken()).reveal();
  };
  return { issuer, tokenOf };
}

/** @see {@link https://www.rfc-editor.org/rfc/rfc8693#section-4.1 | RFC 8693 §4.1} */
test('a token that says who acts is for this one alone, and that of the subject for nobody who acts', async () => {
  const { issuer, tokenOf } = await exchanging();

  expect(await tokenOf()).toBe('for-nobody');
  expect(await tokenOf(actor('robot-1'))).toBe('for-actor-of-robot-1');
  expect(await tokenOf(actor('robot-2'))).toBe('for-actor-of-robot-2');

  expect(await tokenOf()).toBe('for-nobody');
  expect(await tokenOf(actor('robot-1'))).toBe('for-actor-of-robot-1');
  expect(issuer.to('/token'), 'who acts the same shares it').toHaveLength(3);
});

test.each([undefined, ''])('an actor that is called %j is refused when the provider is made', (actorId) => {
  const grant = { ...SUBJECT, ...actor('x'), actorId } as Exchange;

  expect(() => createOAuthProvider({ issuer: 'https://id.example', clientId: 'svc', grant })).toThrow(
    'actorId',
  );
});
