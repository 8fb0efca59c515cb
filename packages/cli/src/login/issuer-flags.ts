import type { IssuerFlags } from './login-kind.js';

/** Each flag that only another issuer has, as a user writes it; but for the one that says which issuer. */
export const ISSUER_FLAGS: Readonly<Record<Exclude<keyof IssuerFlags, 'issuer' | 'web'>, string>> = {
  audience: '--audience',
  resource: '--resource',
  redirectUri: '--redirect-uri',
  prompt: '--prompt',
  dpop: '--dpop',
  clientAuth: '--client-auth',
  clientKey: '--client-key',
  clientCert: '--client-cert',
  tokenEndpoint: '--token-endpoint',
  authorizationEndpoint: '--authorization-endpoint',
  deviceEndpoint: '--device-endpoint',
  revocationEndpoint: '--revocation-endpoint',
};
