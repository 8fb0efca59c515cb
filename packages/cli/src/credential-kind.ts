// For the page of the dashboard as well, which a browser runs: nothing of Node is imported here.

/** What a profile is logged in with: what mints its tokens. */
export type CredentialKind = 'api_key' | 'client_credentials' | 'refresh_token';

/** What each is called. */
export const CREDENTIAL_NAMES: Readonly<Record<CredentialKind, string>> = {
  api_key: 'API key',
  client_credentials: 'client credentials',
  refresh_token: 'refresh token',
};
