export type { TokenFormat } from './access-token-mint.js';
export type { AccessRefusal, ApiEvent, ApiEventListener } from './api-event.js';
export { LocalApiError, type LocalApiErrorCode } from './errors.js';
export { createLocalApi, type LocalApi } from './local-api.js';
export type { ApiKeyOption, ClientOption, LocalApiOptions } from './options.js';
export type { HttpProblemName } from './http-problem.js';
export type { OAuthErrorName } from './oauth-error.js';
export { KNOWN_SCOPES, type Scope } from './scopes.js';
export type { RandomBytes } from './secrets.js';
export type { ListenOptions, Listening } from './server.js';
export { startLocalApi, type RunningLocalApi } from './start-local-api.js';
export type { ApiStats } from './store/counters.js';
export type { EventQuery, StoredEvent } from './store/events.js';
export type { GrantType, RevocationReason } from './store/families.js';
export type { Store } from './store/store.js';
export type { Tier } from './tiers.js';
export { describeTroubleKeys, parseTrouble } from './trouble/parse.js';
export type { TroubleQueue } from './trouble/queue.js';
export {
  ODDITIES,
  type Oddity,
  type RetryAfter,
  type TroubleBody,
  type TroubleRule,
} from './trouble/rule.js';
