import {
  isAuthError,
  refreshSettings,
  type AuthEventListener,
  type AuthManager,
  type AuthToken,
  type RefreshSettings,
} from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { grantOfAccount, tokenKeyOf } from '../grant-of-account.js';
import { hindered, openAuthManager, openManager, type OpenedManager } from '../open-auth-manager.js';
import { resolveAccount, settingsFrom, type Account, type AccountFlags } from '../settings.js';
import { openStorage } from '../token-cache.js';

const USE = { isLongLived: true, followsLogin: true } as const;

/**
 * The account that a command's tokens are of. Follows a login that is made while the command runs, of the profile that it began
 * with.
 */
export class FollowedAccount {
  readonly #flags: AccountFlags;
  readonly #context: CommandContext;
  #opened: OpenedManager;
  #listener: AuthEventListener | undefined;
  #unsubscribe: () => void = () => undefined;
  #look: Promise<boolean> | undefined;

  private constructor(flags: AccountFlags, context: CommandContext, opened: OpenedManager) {
    this.#flags = flags;
    this.#context = context;
    this.#opened = opened;
  }

  /** @throws {AuthError} as {@link openAuthManager}. */
  static async open(flags: AccountFlags, context: CommandContext): Promise<FollowedAccount> {
    return new FollowedAccount(flags, context, await openAuthManager(flags, context, USE));
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

  /** Refreshes tokens behind from now on, and tells `listener` of what happens to them, whichever manager has them. */
  start(listener: AuthEventListener): void {
    this.#listener = listener;
    this.#begin();
  }

  /** Ends what is told. */
  end(): void {
    this.#listener = undefined;
    this.#unsubscribe();
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
    const flags = this.#flagsFor(before.profile.value);
    const account = await resolveAccount(flags, this.#context.environment, files?.logins).catch(() => before);
    // Trouble with the storage is no logout.
    if (account.unread !== undefined || loginIn(account) === loginIn(before)) return false;
    this.#opened = await openManager(flags, this.#context, USE);
    this.#unsubscribe();
    if (this.#listener !== undefined) this.#begin();
    manager.stop().catch(() => undefined);
    return true;
  }

  /** `km auth switch` is for what is started after it. Where the profile is the same, it is named as it was. */
  #flagsFor(profile: string): AccountFlags {
    const now = settingsFrom(this.#flags, this.#context.environment);
    return now.profile.value === profile ? this.#flags : { ...this.#flags, profile };
  }

  #begin(): void {
    const { manager } = this;
    if (this.#listener !== undefined) this.#unsubscribe = manager.subscribe(this.#listener);
    manager.start();
  }
}

/** Tells the logins of an account apart: a person who logs in again in the same way changes no more than the time. */
function loginIn(account: Account): string {
  const { endpoint, credential, loggedInAtMs } = account;
  return JSON.stringify([grantOfAccount(account).key, endpoint.value, credential?.value, loggedInAtMs]);
}
