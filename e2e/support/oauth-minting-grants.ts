import type { KeyObject } from 'node:crypto';
import { decodeJwt, jwtVerify } from 'jose';
import { errors, type TokenEndpointGrantContext, type Provider } from 'oidc-provider';

/*
 * Two grants that the server does not have by itself, as their RFCs want them. What they issue is an access token of the
 * server's own, so that it can introspect and revoke it.
 */

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

type Parameters = Readonly<Record<string, string | undefined>>;

const wordsOf = (scope = ''): readonly string[] => scope.split(' ').filter((word) => word !== '');

/** Issues a token for `accountId`. */
async function issue(
  context: TokenEndpointGrantContext,
  provider: Provider,
  accountId: string,
  scope: string,
  audience?: string,
): Promise<void> {
  const { client } = context.oidc;
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const token = new provider.AccessToken({
    accountId,
    client,
    grantId,
    scope,
    gty: 'minted',
  });
  if (audience !== undefined) {
    const server = { audience, scope, accessTokenFormat: 'opaque' as const, accessTokenTTL: 60 };
    token.resourceServer = new provider.ResourceServer(audience, server);
  }
  context.body = {
    access_token: await token.save(),
    token_type: 'Bearer',
    expires_in: token.expiration,
    scope,
  };
}

/**
 * Exchanges an access token of this server for one with fewer scopes, for the audience that is asked for.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc8693#section-2 | RFC 8693 §2}
 */
export function allowTokenExchange(provider: Provider): void {
  provider.registerGrantType(
    TOKEN_EXCHANGE,
    async (context) => {
      const asked = context.oidc.params as Parameters;
      if (asked['subject_token_type'] !== ACCESS_TOKEN)
        throw new errors.InvalidRequest('unknown subject_token_type');
      const subject = await provider.AccessToken.find(asked['subject_token'] ?? '');
      if (subject?.isValid !== true) throw new errors.InvalidRequest('the subject token is not valid');
      if (asked['actor_token'] !== undefined) {
        const actor = await provider.ClientCredentials.find(asked['actor_token']);
        if (actor?.isValid !== true) throw new errors.InvalidRequest('the actor token is not valid');
      }
      const granted = wordsOf(subject.scope);
      const scopes = asked['scope'] === undefined ? granted : wordsOf(asked['scope']);
      const more = scopes.filter((scope) => !granted.includes(scope));
      if (more.length > 0) throw new errors.InvalidScope('more than the subject token has', more.join(' '));
      await issue(context, provider, subject.accountId, scopes.join(' '), asked['audience']);
      Object.assign(context.body as object, { issued_token_type: ACCESS_TOKEN });
    },
    [
      ...['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type'],
      ...['requested_token_type', 'audience', 'resource', 'scope'],
    ],
    ['audience', 'resource'],
  );
}

/**
 * Takes assertions that `publicKey` has signed.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7523#section-3 | RFC 7523 §3}
 */
export function allowJwtBearer(publicKey: KeyObject, issuer: string): (provider: Provider) => void {
  const seen = new Set<string>();
  return (provider) => {
    provider.registerGrantType(
      JWT_BEARER,
      async (context) => {
        const asked = context.oidc.params as Parameters;
        const assertion = asked['assertion'] ?? '';
        const { payload } = await jwtVerify(assertion, publicKey, {
          issuer,
          audience: `${provider.issuer}/token`,
          maxTokenAge: 3_600,
          requiredClaims: ['exp', 'sub'],
        }).catch((cause: unknown) => {
          throw new errors.InvalidGrant(`the assertion is not good: ${String(cause)}`);
        });
        if (seen.has(payload.jti ?? '')) throw new errors.InvalidGrant('the assertion was used before');
        seen.add(payload.jti ?? '');
        const scope = asked['scope'] ?? (decodeJwt(assertion)['scope'] as string | undefined) ?? 'read';
        await issue(context, provider, payload.sub ?? '', scope);
      },
      ['assertion', 'scope'],
    );
  };
}
