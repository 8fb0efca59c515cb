import {
  AuthError,
  createAuthManager,
  createDebugLog,
  createKilometersProvider,
  DEFAULT_REFRESH_SETTINGS,
  describeEvent,
  whileStored,
  type AuthEvent,
  type AuthManager,
  type AuthManagerConfig,
  type TokenProvider,
} from '@kilometers/auth';
import { recordUsage } from './analytics/record-usage.js';
import type { CommandContext } from './command-context.js';
import { grantOfAccount, scopeOfKey } from './grant-of-account.js';
import { hindranceOf, wordsFor, type Hindrance } from './hindrance.js';
import { transportOf } from './network/transport.js';
import { isApartForSession } from './refresh/is-apart.js';
import { renewElsewhere } from './refresh/renew-elsewhere.js';
import { resolveAccount, type Account, type AccountFlags } from './settings.js';
import { openStorage, tellNotices, type Storage } from './token-cache.js';

/** A manager, the account that it is for, and what it keeps tokens in. */
export type OpenedManager = {
  readonly manager: AuthManager;
  readonly account: Account;
  readonly storage: Storage;
  /** What keeps the login that is stored from being used: then the manager brings no token. */
  readonly hindrance: Hindrance | undefined;
};

/** How a command uses its manager. */
export type ManagerUse = Pick<AuthManagerConfig, 'refreshDeadlineMs'> & {
  /** It runs for long, and may be killed at any moment: then a refresh that was sent is not to end with it. */
  readonly isLongLived?: boolean;
  /** It takes up a login that is made while it runs. */
  readonly followsLogin?: boolean;
};

/** What a user should know although the command goes on. */
function warningOf(event: AuthEvent): string | undefined {
  switch (event.type) {
    case 'cache.failed':
      return `tokens stay in memory: ${event.message}`;
    case 'cache.repaired':
    case 'security.event':
      return event.message;
    case 'grant.expiring':
    case 'token.extended':
    case 'token.scopes-differ':
      return describeEvent(event);
    default:
      return undefined;
  }
}

/** What every process sees for itself. */
function isSeenByAll({ type }: AuthEvent): boolean {
  return type === 'cache.failed' || type === 'grant.expiring';
}

/** What counts as told with `event`: each revocation is another one, and so is each file that was put right. */
function newsIn(event: AuthEvent): string {
  const isOneOfMany = event.type === 'cache.repaired' || event.type === 'security.event';
  return isOneOfMany ? `${event.type} ${event.message}` : event.type;
}

/** Tells on stderr what a user should know of `manager`; all there is to know with `KM_DEBUG=true`. */
export function tellEvents(manager: AuthManager, context: CommandContext): void {
  if (context.isDebug) {
    manager.subscribe(createDebugLog(context.tell));
    return;
  }
  const isForSession = isApartForSession(context.environment);
  const told = new Set<string>();
  manager.subscribe((event) => {
    // When it fails once more, that is news.
    if (event.type === 'cache.recovered') told.delete('cache.failed');
    const warning = isForSession && isSeenByAll(event) ? undefined : warningOf(event);
    const news = newsIn(event);
    if (warning === undefined || told.has(news)) return;
    told.add(news);
    context.tell(`km: ${warning}`);
  });
}

/**
 * The manager of a command that needs a token.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` where the login that is stored cannot be used.
 */
export async function openAuthManager(
  flags: AccountFlags,
  context: CommandContext,
  use: ManagerUse = {},
): Promise<OpenedManager> {
  const opened = await openManager(flags, context, use);
  if (opened.hindrance !== undefined) throw hindered(opened.hindrance);
  return opened;
}

/** No token is to be had for what keeps a login from being used. */
export function hindered(hindrance: Hindrance): AuthError {
  return new AuthError('KM_AUTH_CACHE', wordsFor(hindrance));
}

/** The manager that a command works with: flags, environment, the stored login, the shared cache. */
export async function openManager(
  flags: AccountFlags,
  context: CommandContext,
  { isLongLived = false, followsLogin = false, ...overrides }: ManagerUse = {},
): Promise<OpenedManager> {
  const storage = openStorage(context);
  if (storage.files === undefined) context.tell(`km: tokens stay in memory: ${storage.whyMemory ?? ''}`);
  // What the manager works with tells it what was found amiss; nobody else hears of files that are only read for the login.
  if (storage.cache !== storage.files) tellNotices(storage.files, context);
  const account = await resolveAccount(flags, context.environment, storage.files?.logins).catch(
    (error: unknown) => {
      tellNotices(storage.files, context)();
      throw error;
    },
  );
  if (account.note !== undefined) context.tell(`km: ${account.note}`);
  const { clock, random } = context;
  const manager = createAuthManager({
    ...account.config,
    ...overrides,
    provider: await providerFor(account, storage, followsLogin, context),
    cache: storage.cache,
    clock,
    random,
    renewElsewhere: isLongLived ? renewElsewhere({ account, storage, flags }, context) : undefined,
  });
  tellEvents(manager, context);
  recordUsage(manager, (tokenKey) => scopeOfKey(tokenKey, account), context);
  return { manager, account, storage, hindrance: hindranceOf(account, storage) };
}

/** A credential that is stored serves as long as it is; one from the environment serves as long as the process. */
async function providerFor(
  account: Account,
  { files }: Storage,
  followsLogin: boolean,
  context: CommandContext,
): Promise<TokenProvider> {
  const logins = account.credential?.source === 'login' ? files?.logins : undefined;
  const provider = await issuerOf(account, context);
  if (logins === undefined) return provider;
  return whileStored(provider, grantOfAccount(account).key, logins, followsLogin);
}

async function issuerOf(
  { config, oauth, endpoint }: Account,
  context: CommandContext,
): Promise<TokenProvider> {
  const { requestTimeoutMs = DEFAULT_REFRESH_SETTINGS.requestTimeoutMs } = config;
  if (oauth === undefined) {
    const { clock } = context;
    const transport = transportOf(context);
    return createKilometersProvider({ apiEndpoint: endpoint.value, requestTimeoutMs, clock, transport });
  }
  // All that speaks to other issuers than the Kilometers API is loaded for their profiles only.
  const { providerOfLogin } = await import('./oauth/open-provider.js');
  return providerOfLogin(oauth, context, requestTimeoutMs);
}
