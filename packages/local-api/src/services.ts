import type { HttpBindings } from '@hono/node-server';
import type { AccessTokenMint } from './access-token-mint.js';
import type { ApiEvents } from './api-event.js';
import type { DeviceLogins } from './device-logins.js';
import type { Settings } from './options.js';
import type { AccessTokenRecord } from './store/access-tokens.js';
import type { Store } from './store/store.js';
import type { TokenIssuer } from './token-issuer.js';
import type { TokenRefresher } from './token-refresher.js';
import type { TokenRevoker } from './token-revoker.js';
import type { TroubleQueue } from './trouble/queue.js';
import type { TroubleRule } from './trouble/rule.js';

/** What the routes work with. */
export type Services = {
  readonly settings: Settings;
  readonly store: Store;
  readonly issuer: TokenIssuer;
  readonly refresher: TokenRefresher;
  readonly revoker: TokenRevoker;
  readonly mint: AccessTokenMint;
  readonly deviceLogins: DeviceLogins;
  readonly events: ApiEvents;
  readonly trouble: TroubleQueue;
  /** How clients reach this API; no slash at the end. */
  readonly publicUrl: () => string;
  /** Aborts when the API closes. */
  readonly closing: AbortSignal;
};

/** Who makes a protected call. */
export type Access = Pick<AccessTokenRecord, 'subject' | 'tier' | 'scope' | 'expiresAtMs'> & {
  readonly fingerprint: string;
};

/** The context of a request: the socket where there is one, the trouble that befalls it, who makes it. */
export type ApiEnv = {
  Bindings: Partial<HttpBindings>;
  Variables: { trouble?: TroubleRule; access?: Access; isDropped?: boolean };
};
