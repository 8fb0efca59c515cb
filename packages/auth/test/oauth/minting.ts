import { createOAuthProvider, type OAuthProviderOptions } from '../../src/index.js';

export const MINUTE = 60_000;

/** A provider that mints tokens for a client of its own. */
export function minting(options: Partial<OAuthProviderOptions>) {
  return createOAuthProvider({
    clientId: 'svc',
    clientAuthentication: { method: 'client_secret', clientSecret: 's3cret' },
    grant: { type: 'client_credentials' },
    ...options,
  });
}

/** What it is asked for. */
export const MINT = { grantType: 'provider', grantName: 'client_credentials', scopes: ['read'] } as const;
