import {
  isAuthError,
  refreshSettings,
  Secret,
  type AuthEventListener,
  type AuthManager,
  type AuthToken,
  type RefreshSettings,
} from '@kilometers/auth';
import type { CommandContext } from './command-context.js';
import { tokenKeyOf } from './grant-of-account.js';
import { loginOutOfReach } from './hindrance.js';
import { hindered, openManager, type ManagerUse, type OpenedManager } from './open-auth-manager.js';
import { resolveAccount, settingsFrom, type Account, type AccountFlags } from './settings.js';
import { openStorage } from './token-cache.js';

const USE: ManagerUse = { isLongLived: true, followsLogin: true };

/**
 * The account of a command that runs for long. Follows a login that is made meanwhile, and until there is one the active
 * profile; from then on its profile stays: `km auth switch` is for what is started after it.
 */
export class FollowedAccount {
  readonly #flags: AccountFlags;
  readonly #context: CommandContext;
  /** And what ends it at the manager of now. */
  readonly #listeners = new Map<AuthEventListener, () => void>();
  #opened: OpenedManager;
  /** The profile, once somebody was logged in to it. */
  #profile: string | undefined;
  #isStarted = false;
  #look: Promise<boolean> | undefined;

  private constructor(flags: AccountFlags, context: CommandContext, opened: OpenedManager) {
    this.#flags = flags;
    this.#context = context;
    this.#opened = opened;
    this.#profile = profileWithLogin(opened);
  }

  /** @throws {AuthError} when the settings are wrong. */
  static async open(flags: AccountFlags, context: CommandContext): Promise<FollowedAccount> {
    return new FollowedAccount(flags, context, await openManager(flags, context, USE));
  }

  /** What is open now. */
  get opened(): OpenedManager {
    return this.#opened;
  }

  get manager(): AuthManager {
    return this.#opened.manager;
  }

  /** How often its tokens are looked at, and how long after a failure, in milliseconds. */
  get intervals(): Pick<RefreshSettings, 'checkIntervalMs' | 'retryIntervalMs'> {
    return refreshSettings(this.#opened.account.config);
  }

  /** What the events call the token for `scope`. */
  keyOf(scope: string): string {
    return tokenKeyOf(this.#opened.account, scope);
  }

  /** Tells `listener` of what happens to tokens, whichever manager has them. @returns what ends that. */
  subscribe(listener: AuthEventListener): () => void {
    this.#listeners.set(listener, this.manager.subscribe(listener));
    return () => {
      this.#listeners.get(listener)?.();
      this.#listeners.delete(listener);
    };
  }

  /** Refreshes tokens behind from now on. */
  start(): void {
    this.#isStarted = true;
    this.manager.start();
  }

  /** @throws {AuthError} as `AuthManager.getValidToken`, where no other login has taken the place of the one that was used. */
  async getValidToken(scope: string): Promise<AuthToken> {
    const { manager, hindrance } = this.#opened;
    try {
      if (hindrance !== undefined) throw hindered(hindrance);
      return await manager.getValidToken(scope);
    } catch (error) {
      const isOver = hindrance !== undefined || isAuthError(error, 'KM_AUTH_LOGIN_REQUIRED');
      if (!isOver || !(await this.isReplaced(manager))) throw error;
      return this.getValidToken(scope);
    }
  }

  /** Whether somebody has logged in or out since `manager` was opened: then another one is open now. */
  async isReplaced(manager: AuthManager): Promise<boolean> {
    if (manager !== this.manager) return true;
    this.#look ??= this.#lookAgain().finally(() => (this.#look = undefined));
    return this.#look;
  }

  async #lookAgain(): Promise<boolean> {
    const { account: before, manager } = this.#opened;
    const { files } = openStorage(this.#context);
    const account = await this.#resolve(files?.logins).catch(() => before);
    // Trouble with the storage is no logout.
    if (account.unread !== undefined || fingerprintOf(account) === fingerprintOf(before)) return false;
    this.#opened = await openManager(this.#flagsNow(), this.#context, USE);
    this.#profile ??= profileWithLogin(this.#opened);
    for (const [listener, unsubscribe] of this.#listeners) {
      unsubscribe();
      this.subscribe(listener);
    }
    if (this.#isStarted) this.manager.start();
    manager.stop().catch(() => undefined);
    return true;
  }

  async #resolve(logins: Parameters<typeof resolveAccount>[2]): Promise<Account> {
    return resolveAccount(this.#flagsNow(), this.#context.environment, logins);
  }

  /** Where the profile is still the one that is meant it is named as it was. */
  #flagsNow(): AccountFlags {
    const now = settingsFrom(this.#flags, this.#context.environment).profile.value;
    const profile = this.#profile ?? now;
    return profile === now ? this.#flags : { ...this.#flags, profile };
  }
}

/** The profile, where somebody is logged in to it, or may be: a login that cannot be read now is one. */
function profileWithLogin({ account }: OpenedManager): string | undefined {
  const hasLogin = account.credential !== undefined || loginOutOfReach(account) !== undefined;
  return hasLogin ? account.profile.value : undefined;
}

/** Tells accounts apart by all that matters to a request. */
function fingerprintOf({ profile, endpoint, credential, config, oauth, loggedInAtMs }: Account): string {
  const { apiKey, clientCredentials } = config;
  const secret = apiKey ?? clientCredentials?.clientSecret;
  return JSON.stringify([
    profile.value,
    endpoint.value,
    credential?.value,
    // A person who logs in again wins what no setting shows.
    loggedInAtMs,
    clientCredentials?.clientId,
    oauth?.grant.credential,
    secret === undefined ? undefined : Secret.from(secret).fingerprint,
  ]);
}
