// Each peer as its own documentation uses it, holding a token that is good for an hour.
import { ConfidentialClientApplication } from '@azure/msal-node';
import { OAuth2Client as BadgatewayClient, OAuth2Fetch } from '@badgateway/oauth2-client';
import { memoize } from '@smithy/property-provider';
import { OAuth2Client as GoogleClient } from 'google-auth-library';
import { ClientCredentials } from 'simple-oauth2';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export async function smithyHolding() {
  const provider = memoize(
    async () => ({ token: 'token', expiration: new Date(Date.now() + HOUR_MS) }),
    (identity) => identity.expiration.getTime() - Date.now() < 5 * MINUTE_MS,
    (identity) => identity.expiration !== undefined,
  );
  await provider();
  return provider;
}

/** @param tokenEndpoint where `getNewToken` asks; none: a token is at hand for an hour. */
export async function badgatewayHolding(tokenEndpoint) {
  const client = new BadgatewayClient({
    server: 'http://127.0.0.1:9',
    clientId: 'bench',
    clientSecret: 'bench',
    ...(tokenEndpoint !== undefined && { tokenEndpoint }),
  });
  const getNewToken =
    tokenEndpoint === undefined
      ? async () => ({ accessToken: 'token', expiresAt: Date.now() + HOUR_MS, refreshToken: null })
      : () => client.clientCredentials();
  const fetcher = new OAuth2Fetch({ client, getNewToken, scheduleRefresh: false });
  await fetcher.getAccessToken();
  return fetcher;
}

/** @param tokenEndpoint where it refreshes; it is asked once by the first use. */
export async function googleHolding(tokenEndpoint) {
  const client = new GoogleClient({
    clientId: 'bench',
    clientSecret: 'bench',
    ...(tokenEndpoint !== undefined && { endpoints: { oauth2TokenUrl: tokenEndpoint } }),
  });
  client.setCredentials(
    tokenEndpoint === undefined
      ? { access_token: 'token', expiry_date: Date.now() + HOUR_MS }
      : { access_token: 'token', refresh_token: 'refresh', expiry_date: Date.now() - HOUR_MS },
  );
  return client;
}

const MSAL_AUTHORITY = 'https://login.example/tenant';
const MSAL_METADATA = {
  issuer: MSAL_AUTHORITY,
  authorization_endpoint: `${MSAL_AUTHORITY}/authorize`,
  token_endpoint: `${MSAL_AUTHORITY}/token`,
  jwks_uri: `${MSAL_AUTHORITY}/keys`,
};

async function nowhere() {
  return {
    headers: {},
    status: 200,
    body: { token_type: 'Bearer', expires_in: 3600, access_token: 'token' },
  };
}

/** @param post stands for the network: it speaks https to known authorities only. */
export async function msalHolding(post = nowhere) {
  const application = new ConfidentialClientApplication({
    auth: {
      clientId: 'bench',
      clientSecret: 'bench',
      authority: MSAL_AUTHORITY,
      knownAuthorities: ['login.example'],
      authorityMetadata: JSON.stringify(MSAL_METADATA),
    },
    system: { networkClient: { sendGetRequestAsync: nowhere, sendPostRequestAsync: post } },
  });
  const ask = () => application.acquireTokenByClientCredential({ scopes: ['monitoring/.default'] });
  await ask();
  return ask;
}

/** As its documentation has it: look whether the token has expired, then get a new one. */
export async function simpleOAuth2Holding(tokenHost, tokenPath) {
  const client = new ClientCredentials({
    client: { id: 'bench', secret: 'bench' },
    auth: { tokenHost, tokenPath },
  });
  let token = await client.getToken({});
  return async () => {
    if (token.expired()) token = await client.getToken({});
    return token;
  };
}
