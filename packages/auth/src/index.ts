export { DEFAULT_API_ENDPOINT, isLoopback, parseEndpoint } from './api-origin.js';
export { AuthError, isAuthError, type AuthErrorCode } from './auth-error.js';
export type { AuthEvent, AuthEventListener, AuthEventType, SecurityReason } from './auth-event.js';
export type {
  AuthManager,
  ForceRefreshOptions,
  GetTokenOptions,
  Revocation,
  UntoldToken,
} from './auth-manager.js';
export {
  authConfigFromLogin,
  type AuthConfigFromLoginOptions,
  type CacheWithLogins,
} from './auth-config-from-login.js';
export type { AuthManagerConfig, WantedToken } from './auth-manager-config.js';
export { AuthToken, type AuthTokenFields } from './auth-token.js';
export {
  createAuthenticatedClient,
  type AuthenticatedClientOptions,
  type Fetch,
} from './authenticated-fetch.js';
export type { CacheNotice, CacheNoticeListener } from './cache-notice.js';
export { configFolder } from './caches/file/config-folder.js';
export { createDocumentFile, type DocumentFileOptions } from './caches/file/document-file.js';
export { createFileCache, type FileCache } from './caches/file/file-cache.js';
export type { FileCacheOptions } from './caches/file/sealed-folder.js';
export { replaceUnderLock, type ReplaceUnderLockOptions } from './caches/file/replace-under-lock.js';
export type { KeySource } from './caches/file/key-file.js';
export { createKeyring, type Keyring, type KeyringOptions } from './caches/file/keyring.js';
export {
  livenessOf,
  ownIdentity,
  parseIdentity,
  type ProcessIdentity,
} from './caches/file/process-identity.js';
export {
  createProcessLock,
  type HeldProcessLock,
  type ProcessLock,
  type ProcessLockOptions,
} from './caches/file/process-lock.js';
export type { RecordSeal, RecordSealer } from './caches/file/record-sealer.js';
export { ensurePrivateFolder, makePrivateFolder } from './caches/file/private-folder.js';
export { createRedisCache, type RedisCache } from './caches/redis/redis-cache.js';
export type { RedisCacheOptions } from './caches/redis/redis-settings.js';
export type { RedisStorage } from './caches/redis/redis-storage.js';
export { createMemoryCache } from './caches/memory-cache.js';
export { systemClock, type Clock } from './clock.js';
export { createAuthManager } from './create-auth-manager.js';
export { createDebugLog, describeEvent } from './debug-log.js';
export { createDpopHeaders, type DpopHeaders } from './dpop-headers.js';
export type { ProofContext } from './dpop-proof.js';
export { formatDuration, parseDurationMs } from './duration.js';
export {
  createEntitlementVerifier,
  type EntitlementVerifier,
  type EntitlementVerifierOptions,
} from './entitlements.js';
export type { KeySetSettings } from './entitlements-key-set.js';
export type { EntitlementsSettings } from './entitlements-settings.js';
export type { Entitlements } from './entitlements-verifying.js';
export { authConfigFromEnvironment, type Environment } from './environment.js';
export { credentialFingerprint, type Credential } from './credential.js';
export { AUTH_CHANNEL } from './event-publisher.js';
export type {
  GrantFailure,
  GrantKey,
  GrantRecord,
  LeftOverToken,
  RefreshToken,
  SentRefresh,
} from './grant-record.js';
export { createKilometersProvider, revokeToken, startDeviceLogin } from './late-providers.js';
export { isGrantOfIssuer, issuerIdentityOf } from './grant-key.js';
export { shellWord } from './login-command.js';
export {
  configOfLogin,
  endedLoginOf,
  grantKeyOfLogin,
  isKnownLogin,
  whileStored,
  type LoginConfig,
} from './login-in-use.js';
export { decodeClaims, type TokenClaims } from './jwt-claims.js';
export { messageOf } from './message-of.js';
export type {
  DocumentStore,
  LockOptions,
  RevocableToken,
  StoredDocument,
  TokenCache,
  TokenGrant,
  TokenIssuer,
  TokenProvider,
  TokenRequest,
} from './ports.js';
export {
  endsWithItsLogin,
  partWithScopes,
  partWithTokens,
  revocableTokens,
  type Parting,
} from './parting.js';
export { DEFAULT_PROFILE, expectProfileName, isProfileName, PROFILE_NAME_FORM } from './profile-name.js';
export type { DeviceLogin, DeviceLoginOptions } from './providers/device-login.js';
export { readUnpacked } from './providers/answer-body.js';
export {
  createNodeTransport,
  TransportError,
  type HttpAnswer,
  type HttpRequest,
  type HttpTransport,
  type NodeTransportOptions,
  type TlsCredentials,
} from './providers/http-transport.js';
export type { KilometersProvider, KilometersProviderOptions } from './providers/kilometers-provider.js';
export type { BrowserLogin, BrowserLoginOptions } from './providers/oauth/browser-login.js';
export type { IssuerDiscovery } from './providers/oauth/issuer-metadata.js';
export type { IssuerDeviceLogin, IssuerDeviceLoginOptions } from './providers/oauth/issuer-device-login.js';
export type {
  ClientAuthentication,
  OAuthEndpoints,
  OAuthGrant,
  OAuthProviderOptions,
  SigningKey,
} from './providers/oauth/oauth-options.js';
export { issuerOptions, type IssuerSettings } from './providers/oauth/issuer-settings.js';
export type { Introspection } from './providers/oauth/introspection.js';
export { createOAuthProvider, type OAuthProvider } from './providers/oauth/oauth-provider.js';
export { retryAfterMs } from './providers/server-time.js';
export type { RevokeTokenOptions } from './providers/revoke-token.js';
export { discardBody } from './discard-body.js';
export { isPortalPage } from './portal-page.js';
export { isRefreshSetting, refreshSettings, refreshSettingRange } from './refresh-settings.js';
export {
  DEFAULT_REFRESH_SETTINGS,
  dueAtMs,
  isUsable,
  LONGEST_OFFLINE_LIFETIME_MS,
  type RefreshSettings,
} from './refresh-policy.js';
export { coversScopes, DEFAULT_SCOPE, LOGIN_SCOPES, scopeKey, scopeTokens, type Scope } from './scope.js';
export { Secret } from './secret.js';
export type { EndedLogin, EndedOf, LoginStore, OAuthLogin, StoredLogin } from './stored-login.js';
export { storeLogin, type Login, type StoreLoginOptions } from './store-login.js';
export { targetSuffix, type TokenTarget } from './token-key.js';
export { TokenRequestError, type TokenRequestFailure } from './token-request-error.js';
export { isTryLaterStatus } from './try-later-status.js';
export {
  finishRefreshOnSignal,
  type FinishOnSignalOptions,
  type SignalledProcess,
} from './finish-on-signal.js';
