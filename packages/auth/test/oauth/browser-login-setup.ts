import { connect } from 'node:net';
import {
  createOAuthProvider,
  type BrowserLogin,
  type BrowserLoginOptions,
  type OAuthProviderOptions,
} from '../../src/index.js';
import { startFakeIssuer } from './fake-issuer.js';

type Setup = {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly provider?: Partial<OAuthProviderOptions>;
  readonly login?: BrowserLoginOptions;
};

/** An issuer with a page to log in at, and a login there that waits. */
export async function startLogin({ metadata = {}, provider: more = {}, login: options = {} }: Setup = {}) {
  const issuer = await startFakeIssuer();
  Object.assign(issuer.metadata, {
    authorization_endpoint: `${issuer.origin}/authorize?tenant=one`,
    scopes_supported: ['openid', 'offline_access'],
    ...metadata,
  });
  const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'app', ...more });
  const login = await provider.startBrowserLogin(options);
  return { issuer, provider, login, asked: new URL(login.url).searchParams };
}

/** Goes where the issuer would send the browser. */
export function comeBack(
  login: BrowserLogin,
  parameters: Readonly<Record<string, string>>,
): Promise<Response> {
  const url = new URL(login.redirectUri);
  url.search = new URLSearchParams(parameters).toString();
  return fetch(url);
}

export const stateOf = ({ url }: BrowserLogin): string => new URL(url).searchParams.get('state') ?? '';

/** Comes back with a code, as after a yes. */
export const approve = (login: BrowserLogin, more: Readonly<Record<string, string>> = {}) =>
  comeBack(login, { code: 'the-code', state: stateOf(login), ...more });

export function isListening({ redirectUri }: BrowserLogin): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(redirectUri).port), '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
