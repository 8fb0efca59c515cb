import { randomBytes, type X509Certificate } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { Provider, type Configuration } from 'oidc-provider';
import { newKeyPair } from './key-pair.js';
import { listen } from './listen.js';

/** What befalls one request, before or after the server has done its work. */
export type Trouble =
  /** An answer in its place; nothing is done. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The connection is closed; nothing is done. */
  | 'dropped'
  /** The work is done, and the answer never sent. */
  | 'lost'
  /** The work is done, and the answer sent so much later, in milliseconds. */
  | { readonly slowMs: number }
  /** The work is done, and the answer sent once this is fulfilled. */
  | { readonly after: Promise<unknown> };

/** A request to a token endpoint, as it came in. */
export type SeenRequest = {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: URLSearchParams;
};

export type OAuthServerOptions = {
  readonly clients: readonly Record<string, unknown>[];
  /** How long an access token lives, in seconds. Default 60. */
  readonly tokenTtl?: number;
  /** How long a refresh token lives, in seconds. Default two weeks. */
  readonly refreshTokenTtl?: number;
  /** Whether every proof must have the server's nonce. Default false. */
  readonly dpopNonces?: boolean;
  /** Whether tokens can be bound to keys at all. Default true. */
  readonly dpop?: boolean;
  /** Whether it says how its tokens are. Default true. */
  readonly introspection?: boolean;
  /** Certificate and key of the server, which then asks clients for theirs. */
  readonly tls?: ServerOptions;
  readonly configuration?: Partial<Configuration>;
  /** More grants than the server has by itself. */
  readonly prepare?: (provider: Provider) => void;
};

export type OAuthServer = {
  readonly issuer: string;
  readonly provider: Provider;
  /** Requests with a body. */
  readonly seen: SeenRequest[];
  /** How often a grant was ended by the server: reuse of a refresh token, or a revocation. */
  readonly revoked: () => number;
  /** What befalls the next requests to the token endpoint. */
  readonly next: (...troubles: readonly Trouble[]) => void;
  /** What befalls every request to `path` until the test is over. */
  readonly always: (path: string, trouble: Trouble | undefined) => void;
  /** A login as it is after a human has said yes: its first refresh token. */
  readonly login: (clientId: string, scope: string, more?: LoginDetails) => Promise<string>;
  readonly refreshes: () => number;
  /** When the last one was, in milliseconds since the epoch. */
  readonly refreshedAtMs: () => number;
};

/** What else a login has. */
export type LoginDetails = {
  readonly resources?: Readonly<Record<string, string>>;
  readonly expiresIn?: number;
  /** Of the key to which the refresh token is bound. */
  readonly jkt?: string;
};

/** APIs that tokens can be for: one takes JWTs, the other asks the server. */
export const JWT_API = 'https://jwt-api.example/';
export const OPAQUE_API = 'https://opaque-api.example/';

const SCOPES = ['openid', 'offline_access', 'read', 'write', 'read:org'];
const API_SCOPES = 'read write api:admin';

function resourceServer(resource: string, ttl: number) {
  return {
    scope: API_SCOPES,
    audience: resource,
    accessTokenTTL: ttl,
    accessTokenFormat: resource === JWT_API ? ('jwt' as const) : ('opaque' as const),
  };
}

function configurationOf(options: OAuthServerOptions): Configuration {
  const { tokenTtl = 60, refreshTokenTtl = 1_209_600, clients, dpop = true, dpopNonces = false } = options;
  const { privateKey } = newKeyPair('ec');
  const key = privateKey.export({ format: 'jwk' });
  return {
    clients: clients as never,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: SCOPES,
    jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig' }] as never },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'none',
      'tls_client_auth',
      'self_signed_tls_client_auth',
    ] as never,
    // Hard: good once, no time of grace, reuse ends the login.
    rotateRefreshToken: true,
    pkce: { required: () => true },
    issueRefreshToken: (_context, client) => Promise.resolve(client.grantTypeAllowed('refresh_token')),
    ttl: {
      AccessToken: tokenTtl,
      ClientCredentials: tokenTtl,
      RefreshToken: refreshTokenTtl,
      Grant: 1_209_600,
      Session: 3_600,
      Interaction: 600,
      DeviceCode: 600,
      IdToken: 600,
    },
    findAccount: (_context, id) => ({ accountId: id, claims: () => Promise.resolve({ sub: id }) }),
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: options.introspection ?? true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => Promise.resolve(true) },
      dPoP: { enabled: dpop, nonceSecret: randomBytes(32), requireNonce: () => dpopNonces },
      mTLS: {
        enabled: true,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
        certificateBoundAccessTokens: false,
        getCertificate: (context: { req: IncomingMessage }) => certificateOf(context.req),
        certificateSubjectMatches: (context: { req: IncomingMessage }, _property: string, expected: string) =>
          certificateOf(context.req)?.subject === expected,
        certificateAuthorized: (context: { req: IncomingMessage }) =>
          (context.req.socket as Socket & { authorized?: boolean }).authorized === true,
      } as never,
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, resource: string) => resourceServer(resource, tokenTtl),
        useGrantedResource: () => Promise.resolve(false),
      },
    },
    ...options.configuration,
  };
}

function certificateOf(request: IncomingMessage) {
  const socket = request.socket as Socket & { getPeerX509Certificate?: () => X509Certificate | undefined };
  return socket.getPeerX509Certificate?.();
}

/** Keeps what the server answers from being sent, or from being sent now. */
function hinder(
  response: ServerResponse,
  trouble: Extract<Trouble, 'lost' | { slowMs: number } | { after: Promise<unknown> }>,
): void {
  const end = response.end.bind(response) as (...all: readonly unknown[]) => ServerResponse;
  response.end = ((...all: readonly unknown[]) => {
    if (trouble === 'lost') response.socket?.destroy();
    else if ('after' in trouble) void trouble.after.then(() => end(...all));
    else setTimeout(() => end(...all), trouble.slowMs);
    return response;
  }) as typeof response.end;
}

/** A certified OAuth server, set up hard, on a free port of this machine. */
export async function startOAuthServer(options: OAuthServerOptions): Promise<OAuthServer> {
  const seen: SeenRequest[] = [];
  const troubles: Trouble[] = [];
  const constant = new Map<string, Trouble>();
  let [revoked, refreshes, refreshedAtMs] = [0, 0, 0];
  let handler: RequestListener = () => undefined;

  const listener: RequestListener = (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const trouble = (path === '/token' ? troubles.shift() : undefined) ?? constant.get(path);
    const chunks: Buffer[] = [];
    request.prependListener('data', (chunk: Buffer) => chunks.push(chunk));
    request.prependListener('end', () => {
      const body = new URLSearchParams(Buffer.concat(chunks).toString());
      if (request.method === 'POST') seen.push({ path, headers: request.headers, body });
    });
    // The listener above must not start the flow before the server listens, too.
    request.pause();
    if (trouble === 'dropped') request.socket.destroy();
    else if (typeof trouble === 'object' && 'status' in trouble) {
      request.resume();
      response.writeHead(trouble.status, trouble.headers).end(trouble.body ?? '');
    } else {
      if (trouble !== undefined) hinder(response, trouble);
      handler(request, response);
    }
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  const port = await listen(server);
  const issuer = `http${options.tls === undefined ? '' : 's'}://localhost:${String(port)}`;
  const provider = new Provider(issuer, configurationOf(options));
  options.prepare?.(provider);
  provider.on('grant.revoked', () => (revoked += 1));
  provider.on('grant.success', (context) => {
    if (context.oidc.params?.['grant_type'] !== 'refresh_token') return;
    refreshes += 1;
    refreshedAtMs = Date.now();
  });
  const serve = provider.callback();
  handler = (request, response) => void serve(request, response);
  return {
    issuer,
    provider,
    seen,
    revoked: () => revoked,
    refreshes: () => refreshes,
    refreshedAtMs: () => refreshedAtMs,
    next: (...more) => troubles.push(...more),
    always: (path, trouble) => {
      if (trouble === undefined) constant.delete(path);
      else constant.set(path, trouble);
    },
    login: (clientId, scope, more) => login(provider, clientId, scope, more),
  };
}

async function login(
  provider: Provider,
  clientId: string,
  scope: string,
  { resources = {}, expiresIn, jkt }: LoginDetails = {},
): Promise<string> {
  const client = await provider.Client.find(clientId);
  const grant = new provider.Grant({ accountId: 'somebody', clientId });
  grant.addOIDCScope(scope);
  for (const [resource, granted] of Object.entries(resources)) grant.addResourceScope(resource, granted);
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    accountId: 'somebody',
    client,
    grantId,
    scope,
    gty: 'authorization_code',
    authTime: Math.floor(Date.now() / 1_000),
    resource: Object.keys(resources),
    ...(expiresIn !== undefined && { expiresIn }),
    ...(jkt !== undefined && { jkt }),
  } as never);
  return token.save();
}
