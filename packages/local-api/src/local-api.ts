import { setMaxListeners } from 'node:events';
import type { Hono } from 'hono';
import { AccessTokenMint } from './access-token-mint.js';
import { ApiEvents, type ApiEventListener } from './api-event.js';
import { createApp } from './app.js';
import { DeviceLogins } from './device-logins.js';
import type { TokenContext } from './issued-tokens.js';
import { LocalApiError } from './errors.js';
import { letIn } from './let-in.js';
import { resolveSettings, type LocalApiOptions, type Settings } from './options.js';
import { createRequestLog } from './request-log.js';
import { listen, type ListenOptions, type Listening } from './server.js';
import type { ApiEnv, Services } from './services.js';
import { Sockets } from './sockets.js';
import type { Account } from './store/accounts.js';
import { Store } from './store/store.js';
import { TokenIssuer } from './token-issuer.js';
import { TokenRefresher } from './token-refresher.js';
import { TokenRevoker } from './token-revoker.js';
import { TroubleQueue } from './trouble/queue.js';

/** An embedded Kilometers API. */
export type LocalApi = {
  /** Answers requests with no socket: `app.request('/health')`. */
  readonly app: Hono<ApiEnv>;
  /** What the API remembers. */
  readonly store: Store;
  /** Scripted trouble. */
  readonly trouble: TroubleQueue;
  /** Listens to what happens; the answer stops it. */
  readonly on: (listener: ApiEventListener) => () => void;
  /**
   * Opens a socket, on 127.0.0.1 and any free port unless told.
   *
   * @throws {LocalApiError} `KM_LOCAL_API_PORT_IN_USE`, `KM_LOCAL_API_CANNOT_LISTEN`, the latter also once it is closed.
   */
  readonly listen: (options?: ListenOptions) => Promise<Listening>;
  /** Ends connections and closes the database; a second call does nothing more. */
  readonly close: () => Promise<void>;
};

/**
 * Creates an embedded Kilometers API.
 *
 * @throws {LocalApiError} `KM_LOCAL_API_BAD_OPTION`, `KM_LOCAL_API_BAD_TROUBLE`, `KM_LOCAL_API_STORE_UNAVAILABLE`.
 */
export function createLocalApi(options: LocalApiOptions = {}): LocalApi {
  const settings = resolveSettings(options);
  const { now, randomBytes: random } = settings;
  const trouble = new TroubleQueue();
  for (const rule of settings.trouble) trouble.add(rule);

  const events = new ApiEvents(now);
  if (settings.onEvent) events.on(settings.onEvent);
  if (settings.log !== false) events.on(createRequestLog(settings.log === true ? undefined : settings.log));

  const store = new Store(settings.database, now);
  const account = letInOrClose(store, settings);
  const closing = new AbortController();
  // Every wait of scripted latency listens to it.
  setMaxListeners(0, closing.signal);
  const sockets = new Sockets();
  const publicUrl = (): string =>
    (settings.publicUrl ?? sockets.newestUrl ?? 'http://localhost').replace(/\/+$/, '');

  const mint = new AccessTokenMint({ store, format: settings.tokenFormat, random, issuer: publicUrl, now });
  const context: TokenContext = { store, events, policy: settings, now, random };
  const issuer = new TokenIssuer(context, mint);
  const revoker = new TokenRevoker(context);
  const refresher = new TokenRefresher(context, issuer, revoker);
  const deviceLogins = new DeviceLogins(context, issuer, {
    account,
    ttlMs: settings.deviceCodeTtlMs,
    intervalSeconds: settings.deviceIntervalSeconds,
  });
  const services: Services = {
    settings,
    store,
    issuer,
    refresher,
    revoker,
    mint,
    deviceLogins,
    events,
    trouble,
    publicUrl,
    closing: closing.signal,
  };
  const app = createApp(services);
  const refuseOnceClosed = (): void => {
    if (closing.signal.aborted) {
      throw new LocalApiError('KM_LOCAL_API_CANNOT_LISTEN', 'the API is closed; create another');
    }
  };
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    closing.abort();
    await sockets.close();
    store.close();
  };
  return {
    app,
    store,
    trouble,
    on: (listener) => events.on(listener),
    listen: async (where) => {
      refuseOnceClosed();
      const socket = await listen(app, where);
      try {
        refuseOnceClosed();
      } catch (error) {
        await socket.close();
        throw error;
      }
      return sockets.add(socket);
    },
    close: () => (closed ??= close()),
  };
}

function letInOrClose(store: Store, settings: Settings): Account {
  try {
    return letIn(store, settings);
  } catch (error) {
    store.close();
    throw error;
  }
}
