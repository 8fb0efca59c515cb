import { createLocalApi, type ApiEvent, type LocalApi, type LocalApiOptions } from '../src/index.js';

export const PRO_KEY = 'km_pro_test_key_1';
export const FREE_KEY = 'km_free_test_key_1';

/** A clock that moves when told, starting at a round moment. */
export type FakeClock = { readonly now: () => number; readonly advance: (ms: number) => void };

function fakeClock(startMs = Date.UTC(2030, 0, 1)): FakeClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

/** The parts of an answer of the token endpoint. */
export type Tokens = {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly refresh_token: string;
  readonly scope: readonly string[];
};

export type TestApi = LocalApi & {
  readonly clock: FakeClock;
  readonly events: ApiEvent[];
  readonly post: (path: string, body: unknown, token?: string) => Promise<Response>;
  readonly get: (path: string, token?: string) => Promise<Response>;
  /** Logs in by API key. */
  readonly login: (scope?: readonly string[] | string, apiKey?: string) => Promise<Tokens>;
  readonly refresh: (refreshToken: string) => Promise<Response>;
};

/** An API with a fake clock, two keys, and no socket. */
export function testApi(options: LocalApiOptions = {}): TestApi {
  const clock = fakeClock();
  const events: ApiEvent[] = [];
  const api = createLocalApi({
    apiKeys: [PRO_KEY, FREE_KEY],
    now: clock.now,
    onEvent: (event) => events.push(event),
    ...options,
  });
  const bearer = (token?: string): Record<string, string> =>
    token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const post = async (path: string, body: unknown, token?: string): Promise<Response> =>
    api.app.request(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...bearer(token) },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    ...api,
    clock,
    events,
    post,
    get: async (path, token) => api.app.request(path, { headers: bearer(token) }),
    login: async (scope = ['monitoring'], apiKey = PRO_KEY) => {
      const answer = await post('/api/auth/token', { grant_type: 'api_key', api_key: apiKey, scope });
      if (answer.status !== 200) throw new Error(await answer.text());
      return (await answer.json()) as Tokens;
    },
    refresh: (refreshToken) =>
      post('/api/auth/token', { grant_type: 'refresh_token', refresh_token: refreshToken }),
  };
}

/** A batch of events with these ids. */
export function batchOf(...ids: readonly string[]): {
  events: Record<string, unknown>[];
  correlationId: string;
  cliVersion: string;
  batchTimestamp: string;
} {
  return {
    events: ids.map((id) => ({
      id,
      timestamp: '2030-01-01T00:00:00.123456789Z',
      direction: 'inbound',
      method: 'tools/call',
      payload: Buffer.from(`payload of ${id}`).toString('base64'),
      size: 10 + id.length,
      correlationId: 'session-1',
    })),
    correlationId: 'batch-1',
    cliVersion: '0.1.0',
    batchTimestamp: '2030-01-01T00:00:01Z',
  };
}
