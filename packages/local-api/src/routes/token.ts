import { Hono, type Context } from 'hono';
import * as v from 'valibot';
import { HttpProblem } from '../http-problem.js';
import { OAuthError } from '../oauth-error.js';
import { checkOAuth, readJson } from '../request-body.js';
import { parseScopes, ScopeList } from '../scopes.js';
import type { ApiEnv, Services } from '../services.js';
import type { IssuedTokens } from '../issued-tokens.js';
import { odditiesOf } from '../trouble/rule.js';
import { tokenAnswer } from '../token-answer.js';

const GRANT_TYPES: ReadonlySet<string> = new Set(['api_key', 'refresh_token', 'client_credentials']);

const Text = v.pipe(v.string('text'), v.nonEmpty('text that is not empty'), v.maxLength(4_096, 'shorter'));
const Envelope = v.object({ grant_type: Text }, 'a JSON object');
const ApiKeyRequest = v.object({ api_key: Text, scope: ScopeList });
const RefreshRequest = v.object({ refresh_token: Text, scope: ScopeList });
const ClientRequest = v.object({ client_id: Text, client_secret: Text, scope: ScopeList });

/**
 * `POST /api/auth/token`: tokens for an API key, client credentials or a refresh token.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5 | RFC 6749 §5}
 */
export function tokenRoute(services: Services): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.post('/api/auth/token', async (c) => {
    noStore(c);
    const oddities = odditiesOf(c.get('trouble'));
    const isOddlyBare = oddities.includes('no-refresh-token');
    let grantType: string | undefined;
    try {
      const body = await readJson(c);
      grantType = checkOAuth(Envelope, body).grant_type;
      return c.json(tokenAnswer(await answerGrant(services, grantType, body, isOddlyBare), oddities));
    } catch (error) {
      if (error instanceof OAuthError || error instanceof HttpProblem)
        reportRefusal(services, grantType, error);
      throw error;
    }
  });
  return routes;
}

async function answerGrant(
  services: Services,
  grantType: string,
  body: unknown,
  isBare: boolean,
): Promise<IssuedTokens> {
  const { accounts } = services.store;
  switch (grantType) {
    case 'api_key': {
      const request = checkOAuth(ApiKeyRequest, body);
      const account = accounts.findByApiKey(request.api_key);
      if (account === undefined) throw new OAuthError('invalid_client', 'unknown API key');
      if (account.isRevoked) throw new OAuthError('invalid_client', 'API key revoked');
      const scope = parseScopes(request.scope);
      return services.issuer.issue({ account, scope, grantType, hasRefreshToken: !isBare });
    }
    case 'refresh_token': {
      const request = checkOAuth(RefreshRequest, body);
      return services.refresher.refresh({
        refreshToken: request.refresh_token,
        scope: request.scope,
        isRotating: !isBare,
      });
    }
    case 'client_credentials': {
      const request = checkOAuth(ClientRequest, body);
      const account = accounts.findByClient(request.client_id, request.client_secret);
      if (account === undefined) throw new OAuthError('invalid_client', 'unknown client or wrong secret');
      const scope = parseScopes(request.scope);
      return services.issuer.issue({ account, scope, grantType, hasRefreshToken: false });
    }
    default:
      throw new OAuthError('unsupported_grant_type', 'use api_key, refresh_token or client_credentials');
  }
}

function reportRefusal(
  { store, settings, events }: Services,
  grantType: string | undefined,
  { error, message }: OAuthError | HttpProblem,
): void {
  store.counters.add('refused', settings.now());
  // What is none of them is the client's own text, and may be a secret in the wrong place.
  const named = grantType !== undefined && GRANT_TYPES.has(grantType) ? { grantType } : {};
  events.emit({ type: 'token.refused', ...named, error, reason: message });
}

/** Of every answer, a refusal too. @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.1 | RFC 6749 §5.1} */
function noStore(c: Context<ApiEnv>): void {
  c.header('Cache-Control', 'no-store');
  c.header('Pragma', 'no-cache');
}
