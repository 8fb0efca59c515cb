import { onTestFinished } from 'vitest';
import { serve, type HttpServer, type Received, type Reply } from '../support/http-server.js';

/** An issuer whose every answer a test can replace. */
export type FakeIssuer = HttpServer & {
  /** What its discovery document says; changed by a test before it is asked for. */
  readonly metadata: Record<string, unknown>;
  /** Answers by path, in place of its own. */
  readonly replies: Map<string, (received: Received) => Reply>;
  /** Requests to one path. */
  readonly to: (path: string) => readonly Received[];
  /** The forms sent to one path. */
  readonly forms: (path: string) => readonly Readonly<Record<string, string>>[];
};

export const OPENID_DOCUMENT = '/.well-known/openid-configuration';
export const OAUTH_DOCUMENT = '/.well-known/oauth-authorization-server';

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

/** Starts an issuer that gives `access-1`, `access-2` and so on to whoever asks. */
export async function startFakeIssuer(): Promise<FakeIssuer> {
  const replies: FakeIssuer['replies'] = new Map();
  const metadata: Record<string, unknown> = {};
  let issued = 0;
  const server = await serve((received) => {
    const path = received.path.split('?')[0] ?? '';
    const reply = replies.get(path);
    if (reply !== undefined) return reply(received);
    if (path === OPENID_DOCUMENT) return json(metadata);
    if (path !== '/token') return { status: 404 };
    issued += 1;
    return json({ access_token: `access-${String(issued)}`, token_type: 'Bearer', expires_in: 3_600 });
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await server[Symbol.asyncDispose]();
    isOpen = false;
  };
  onTestFinished(close);
  Object.assign(metadata, {
    issuer: server.origin,
    token_endpoint: `${server.origin}/token`,
    revocation_endpoint: `${server.origin}/revoke`,
  });
  const to = (path: string): readonly Received[] =>
    server.received.filter((received) => received.path.split('?')[0] === path);
  return {
    ...server,
    [Symbol.asyncDispose]: close,
    metadata,
    replies,
    to,
    forms: (path) => to(path).map(({ body }) => Object.fromEntries(new URLSearchParams(body))),
  };
}
