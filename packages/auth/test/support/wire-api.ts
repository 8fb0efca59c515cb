import type { ServerResponse } from 'node:http';
import { drop, serve, type HttpServer, type Received, type Reply } from './http-server.js';

/** What befalls one token request: an answer of its own, a changed one, or the connection. */
export type WireTrouble = {
  /** In place of the real answer; the work is not done. */
  readonly reply?: Reply;
  /** Changes the body of a good answer. */
  readonly oddity?: (body: Readonly<Record<string, unknown>>) => unknown;
  /** The answer begins only then. */
  readonly after?: Promise<void>;
  /** The work is done, and the connection dropped. */
  readonly dropAnswer?: boolean;
};

export type WireApi = HttpServer & {
  readonly tokenRequests: () => readonly Readonly<Record<string, unknown>>[];
  readonly next: (...troubles: readonly WireTrouble[]) => void;
  readonly always: (trouble: WireTrouble | undefined) => void;
  /** Ends a login: its refresh tokens are refused as revoked. */
  readonly revoke: (refreshToken: string) => void;
};

export const WIRE_KEY = 'km_pro_wire_1';
export const WIRE_CLIENT = { clientId: 'client-1', clientSecret: 'client-secret-1' };

type Login = { readonly scope: readonly string[]; isRevoked: boolean };

const refuse = (status: number, error: string, description?: string): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ error, error_description: description }),
});

/** A small token service on a real socket, written from the wire contract: single-use refresh tokens, reuse detection. */
export async function startWireApi(options: { readonly graceIsOpen?: boolean } = {}): Promise<WireApi> {
  const troubles: WireTrouble[] = [];
  const refreshTokens = new Map<string, { readonly login: Login; successor?: string }>();
  const bodies: Readonly<Record<string, unknown>>[] = [];
  let constant: WireTrouble | undefined;
  let issued = 0;

  const newRefreshToken = (login: Login): string => {
    const token = `wire-refresh-${String(refreshTokens.size + 1)}`;
    refreshTokens.set(token, { login });
    return token;
  };

  const win = (login: Login, refreshToken?: string): Readonly<Record<string, unknown>> => {
    issued += 1;
    return {
      access_token: `wire-access-${String(issued)}`,
      token_type: 'Bearer',
      expires_in: 3_600,
      scope: login.scope,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    };
  };

  const renew = (refreshToken: string): Readonly<Record<string, unknown>> | Reply => {
    const known = refreshTokens.get(refreshToken);
    if (known === undefined) return refuse(400, 'invalid_grant', 'unknown refresh token');
    if (known.login.isRevoked) return refuse(400, 'invalid_grant', 'token_revoked');
    if (known.successor !== undefined && options.graceIsOpen !== true) {
      known.login.isRevoked = true;
      return refuse(400, 'invalid_grant', 'refresh token reuse detected');
    }
    known.successor ??= newRefreshToken(known.login);
    return win(known.login, known.successor);
  };

  const work = (body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | Reply => {
    const scope = (body['scope'] ?? []) as readonly string[];
    switch (body['grant_type']) {
      case 'api_key': {
        if (body['api_key'] !== WIRE_KEY) return refuse(401, 'invalid_grant', 'unknown API key');
        const login = { scope, isRevoked: false };
        return win(login, newRefreshToken(login));
      }
      case 'client_credentials': {
        const isKnown = body['client_secret'] === WIRE_CLIENT.clientSecret;
        return isKnown ? win({ scope, isRevoked: false }) : refuse(401, 'invalid_client');
      }
      case 'refresh_token':
        return renew(String(body['refresh_token']));
      default:
        return refuse(400, 'unsupported_grant_type');
    }
  };

  const answer = (received: Received): Reply => {
    if (received.path.split('?')[0] !== '/api/auth/token') return refuse(404, 'not_found');
    const body = JSON.parse(received.body) as Readonly<Record<string, unknown>>;
    bodies.push(body);
    const { reply, oddity, after, dropAnswer } = troubles.shift() ?? constant ?? {};
    if (reply !== undefined) return reply;
    const done = work(body);
    if (dropAnswer === true) return (response: ServerResponse) => drop(response);
    if (typeof done === 'function' || !('access_token' in done)) return done;
    const odd = oddity === undefined ? done : oddity(done);
    const text = typeof odd === 'string' ? odd : JSON.stringify(odd);
    const headers = { 'content-type': 'application/json' };
    if (after === undefined) return { headers, body: text };
    return (response: ServerResponse) => void after.then(() => response.writeHead(200, headers).end(text));
  };

  const server = await serve(answer);
  return {
    ...server,
    tokenRequests: () => bodies,
    next: (...more) => void troubles.push(...more),
    always: (trouble) => {
      constant = trouble;
    },
    revoke: (refreshToken) => {
      const known = refreshTokens.get(refreshToken);
      if (known !== undefined) known.login.isRevoked = true;
    },
  };
}
