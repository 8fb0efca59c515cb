import {
  createAuthenticatedClient,
  parseEndpoint,
  type AuthEventListener,
  type AuthManager,
} from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import type { CredentialKind } from '../credential-kind.js';
import { FollowedAccount } from '../followed-account.js';
import { createBatchSender, type BatchSender } from '../monitor/batch-sender.js';
import { hindered } from '../open-auth-manager.js';
import { serviceUrl, type AccountFlags } from '../settings.js';
import type { Storage } from '../token-cache.js';
import type { QueueAccount } from './state-folder.js';

/** A credential that was refused is tried again after so long, and then twice as long each time, */
const FIRST_RETRY_MS = 10_000;
/** but never later than this. */
const LAST_RETRY_MS = 300_000;

/** The account that events go to, and what sends them. */
export class AccountAccess {
  readonly flags: AccountFlags;
  readonly #context: CommandContext;
  readonly #followed: FollowedAccount;
  #send: BatchSender;
  #retryInMs = FIRST_RETRY_MS;
  #retryAtMs = 0;

  private constructor(flags: AccountFlags, context: CommandContext, followed: FollowedAccount) {
    this.flags = flags;
    this.#context = context;
    this.#followed = followed;
    this.#send = this.#createSender();
  }

  /** @throws {AuthError} when the settings are wrong. */
  static async open(flags: AccountFlags, context: CommandContext): Promise<AccountAccess> {
    return new AccountAccess(flags, context, await FollowedAccount.open(flags, context));
  }

  get storage(): Storage {
    return this.#followed.opened.storage;
  }

  get manager(): AuthManager {
    return this.#followed.manager;
  }

  /** What wins the tokens; `undefined` when nobody is logged in. */
  get credential(): CredentialKind | undefined {
    return this.#followed.opened.account.credential?.value;
  }

  /** Whose events these are. */
  get account(): QueueAccount {
    const { profile, endpoint, credential } = this.#followed.opened.account;
    const isUndecided = credential === undefined && endpoint.source === 'default';
    return {
      profile: profile.value,
      origin: isUndecided ? undefined : parseEndpoint(endpoint.value).origin,
    };
  }

  /** Whether what this profile captured before anything said which API is meant goes to this one. */
  async isAdopting(): Promise<boolean> {
    const { account, storage } = this.#followed.opened;
    if (account.credential === undefined) return false;
    const login = await storage.files?.logins.get(account.profile.value).catch(() => undefined);
    if (login === undefined) return account.endpoint.source === 'default';
    return parseEndpoint(login.apiEndpoint).origin === this.account.origin;
  }

  readonly send: BatchSender = async (batch) => {
    const outcome = await this.#send(batch);
    if (outcome.type === 'delivered') this.#forgetRefusals();
    return outcome;
  };

  /** Tells `listener` of what happens to tokens, whichever manager has them. */
  subscribe(listener: AuthEventListener): void {
    this.#followed.subscribe(listener);
  }

  /** Refreshes tokens behind from now on. */
  start(): void {
    this.#followed.start();
  }

  stop(): Promise<void> {
    return this.manager.stop();
  }

  /** After trouble that only a human can mend: whether another try is worth it, since somebody logged in or for a change. */
  async lookAgain(): Promise<boolean> {
    const { clock } = this.#context;
    if (await this.#followed.isReplaced(this.manager)) {
      this.#send = this.#createSender();
      this.#forgetRefusals();
      return true;
    }
    // With nothing to log in with nobody is asked: it costs nothing.
    if (this.credential === undefined) return true;
    if (clock.monotonicMs() < this.#retryAtMs) return false;
    this.#retryAtMs = clock.monotonicMs() + this.#retryInMs;
    this.#retryInMs = Math.min(this.#retryInMs * 2, LAST_RETRY_MS);
    return true;
  }

  #forgetRefusals(): void {
    this.#retryInMs = FIRST_RETRY_MS;
    this.#retryAtMs = 0;
  }

  #createSender(): BatchSender {
    const { account, manager, hindrance } = this.#followed.opened;
    return createBatchSender({
      url: serviceUrl(account.endpoint.value, '/api/events/batch'),
      fetch:
        hindrance === undefined
          ? createAuthenticatedClient(manager, 'monitoring', { fetch: this.#context.fetch })
          : () => Promise.reject(hindered(hindrance)),
      clock: this.#context.clock,
    });
  }
}
