import { formatScopes } from './scopes.js';
import type { IssuedTokens } from './issued-tokens.js';
import type { Oddity } from './trouble/rule.js';

/** What the token endpoint sends for `tokens`, as odd as was asked for. */
export function tokenAnswer(
  tokens: IssuedTokens,
  oddities: readonly Oddity[] = [],
): Readonly<Record<string, unknown>> {
  const answer: Record<string, unknown> = {
    access_token: tokens.accessToken,
    token_type: 'Bearer',
    expires_in: tokens.expiresInSeconds,
    ...(tokens.refreshToken === undefined ? {} : { refresh_token: tokens.refreshToken }),
    scope: tokens.scope,
  };
  for (const oddity of oddities) {
    switch (oddity) {
      case 'no-expires-in':
        delete answer['expires_in'];
        break;
      case 'zero-expires-in':
        answer['expires_in'] = 0;
        break;
      case 'string-expires-in':
        answer['expires_in'] = tokens.expiresInSeconds.toString();
        break;
      case 'no-scope':
        delete answer['scope'];
        break;
      case 'string-scope':
        answer['scope'] = formatScopes(tokens.scope);
        break;
      case 'lower-token-type':
        answer['token_type'] = 'bearer';
        break;
      case 'upper-token-type':
        answer['token_type'] = 'BEARER';
        break;
      case 'no-refresh-token':
        // None was made: a server that rotates and then hides the new token would lose the login.
        break;
    }
  }
  return answer;
}
