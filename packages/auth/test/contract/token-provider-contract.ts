import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Secret,
  TokenRequestError,
  type TokenGrant,
  type TokenProvider,
  type TokenRequest,
} from '../../src/index.js';
import { outcomeOf } from '../support/setup.js';

/** A token service to ask, and what it lets in. */
export type TokenService = {
  readonly provider: TokenProvider;
  /** Brings a token and a refresh token for `scopes`, in the service's own way. */
  readonly mint: (...scopes: readonly string[]) => Promise<TokenGrant>;
  /** Not for every service. */
  readonly client?: { readonly clientId: string; readonly clientSecret: string };
  /** The next request is refused with this status and `Retry-After`, in seconds. */
  readonly refuseNext: (status: number, retryAfterSeconds?: number) => void;
  /** The next request is carried out, and its answer lost. */
  readonly loseNextAnswer: () => void;
  /** Nobody answers there any more. */
  readonly goAway: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** What every `TokenProvider` does for the manager. */
export function tokenProviderContract(name: string, startService: () => Promise<TokenService>): void {
  describe(`a token provider: ${name}`, () => {
    let service: TokenService;
    const ask = (request: TokenRequest): Promise<TokenGrant> => service.provider.requestToken(request);
    const mint = (...scopes: readonly string[]): Promise<TokenGrant> => service.mint(...scopes);
    const renew = (refreshToken: Secret): Promise<TokenGrant> =>
      ask({ grantType: 'refresh_token', refreshToken });

    beforeEach(async () => {
      service = await startService();
    });
    afterEach(() => service.close());

    test('wins a token for the scopes asked for, with a lifetime, and a refresh token', async () => {
      const { token, refreshToken } = await mint('monitoring');

      expect(token.scopes).toEqual(['monitoring']);
      expect(token.lifetimeMs).toBeGreaterThan(0);
      expect(token.authorization).toBe(`Bearer ${token.reveal()}`);
      expect(refreshToken?.reveal()).toBeTruthy();
    });

    test('renews with a refresh token, which is replaced and good once', async () => {
      const first = await mint('monitoring');
      const second = await renew(first.refreshToken!);

      expect(second.token.reveal()).not.toBe(first.token.reveal());
      expect(second.token.scopes).toEqual(['monitoring']);
      expect(second.refreshToken?.reveal()).not.toBe(first.refreshToken?.reveal());
      expect(await outcomeOf(renew(first.refreshToken!))).toMatchObject({ code: 'KM_AUTH_GRANT_REJECTED' });
    });

    test('wins a token with client credentials, without a refresh token', async ({ skip }) => {
      if (service.client === undefined) skip();
      const { clientId, clientSecret } = service.client!;
      const grant = await ask({
        grantType: 'client_credentials',
        clientId,
        clientSecret: new Secret(clientSecret),
        scopes: ['monitoring'],
      });

      expect(grant.token.scopes).toEqual(['monitoring']);
      expect(grant).not.toHaveProperty('refreshToken');
    });

    test('tells a refresh token that is no good from everything else, and repeats it nowhere', async () => {
      const error = await outcomeOf(renew(new Secret('never-issued-anywhere')));

      expect(error).toBeInstanceOf(TokenRequestError);
      expect(error).toMatchObject({
        code: 'KM_AUTH_GRANT_REJECTED',
        isRetryable: false,
        failure: { oauthError: 'invalid_grant' },
      });
      expect(JSON.stringify(error) + (error as Error).message).not.toContain('never-issued-anywhere');
    });

    test.each([429, 500, 502, 503, 504])('takes a %d for: try later', async (status) => {
      service.refuseNext(status);

      expect(await outcomeOf(mint('monitoring'))).toMatchObject({
        code: 'KM_AUTH_UNREACHABLE',
        failure: { status },
      });
      expect((await mint('monitoring')).token.scopes).toEqual(['monitoring']);
    });

    test.each([403, 404])('takes a %d for: something is set up wrongly', async (status) => {
      service.refuseNext(status);

      expect(await outcomeOf(mint('monitoring'))).toMatchObject({
        code: 'KM_AUTH_CONFIGURATION',
        failure: { status },
      });
    });

    test('passes on how long it was asked to wait', async () => {
      service.refuseNext(503, 7);

      expect(await outcomeOf(mint('monitoring'))).toMatchObject({ failure: { retryAfterMs: 7_000 } });
    });

    test('tells a request whose answer was lost from one that was never sent', async () => {
      service.loseNextAnswer();
      expect(await outcomeOf(mint('monitoring'))).toMatchObject({
        code: 'KM_AUTH_UNREACHABLE',
        failure: { isAnswerLost: true },
      });
      await service.goAway();

      expect(await outcomeOf(mint('monitoring'))).toMatchObject({
        code: 'KM_AUTH_UNREACHABLE',
        failure: { isAnswerLost: false },
      });
    });
  });
}
