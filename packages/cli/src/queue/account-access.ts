import {
  createAuthenticatedClient,
  parseEndpoint,
  Secret,
  type AuthEventListener,
  type AuthManager,
} from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import type { CredentialKind } from '../credential-kind.js';
import { loginOutOfReach } from '../hindrance.js';
import { createBatchSender, type BatchSender } from '../monitor/batch-sender.js';
import { hindered, openManager, type ManagerUse, type OpenedManager } from '../open-auth-manager.js';
import { resolveAccount, serviceUrl, type Account, type AccountFlags } from '../settings.js';
import { openStorage } from '../token-cache.js';
import type { QueueAccount } from './state-folder.js';

/** A credential that was refused is tried again after so long, and then twice as long each time, */
const FIRST_RETRY_MS = 10_000;
/** but never later than this. */
const LAST_RETRY_MS = 300_000;

const SESSION: ManagerUse = { isLongLived: true, followsLogin: true };

/**
 * The account that events go to, and what sends them. Follows a login that is made while this process runs, and until
 * there is one the active profile; from then on its profile stays.
 */
export class AccountAccess {
  readonly #flags: AccountFlags;
  readonly #context: CommandContext;
  readonly #listeners = new Set<AuthEventListener>();
  /** The profile, once somebody was logged in to it. */
  #profile: string | undefined;
  #opened: OpenedManager;
  #send: BatchSender;
  #isStarted = false;
  #retryInMs = FIRST_RETRY_MS;
  #retryAtMs = 0;

  private constructor(flags: AccountFlags, context: CommandContext, opened: OpenedManager) {
    this.#flags = flags;
    this.#context = context;
    this.#opened = opened;
    this.#profile = profileWithLogin(opened);
    this.#send = this.#createSender();
  }

  /** @throws {AuthError} when the settings are wrong. */
  static async open(flags: AccountFlags, context: CommandContext): Promise<AccountAccess> {
    return new AccountAccess(flags, context, await openManager(flags, context, SESSION));
  }

  get flags(): AccountFlags {
    return this.#flags;
  }

  get storage(): OpenedManager['storage'] {
    return this.#opened.storage;
  }

  get manager(): AuthManager {
    return this.#opened.manager;
  }

  /** What wins the tokens; `undefined` when nobody is logged in. */
  get credential(): CredentialKind | undefined {
    return this.#opened.account.credential?.value;
  }

  /** Whose events these are. */
  get account(): QueueAccount {
    const { profile, endpoint, credential } = this.#opened.account;
    const isUndecided = credential === undefined && endpoint.source === 'default';
    return {
      profile: profile.value,
      origin: isUndecided ? undefined : parseEndpoint(endpoint.value).origin,
    };
  }

  /** Whether what this profile captured before anything said which API is meant goes to this one. */
  async isAdopting(): Promise<boolean> {
    const { account, storage } = this.#opened;
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
    this.#listeners.add(listener);
    this.#opened.manager.subscribe(listener);
  }

  /** Refreshes tokens behind from now on. */
  start(): void {
    this.#isStarted = true;
    this.#opened.manager.start();
  }

  stop(): Promise<void> {
    return this.#opened.manager.stop();
  }

  /** After trouble that only a human can mend: whether another try is worth it, since somebody logged in or for a change. */
  async lookAgain(): Promise<boolean> {
    const { clock, environment } = this.#context;
    const { account: before, manager } = this.#opened;
    const { files } = openStorage(this.#context);
    const flags = { ...this.#flags, ...(this.#profile !== undefined && { profile: this.#profile }) };
    const account = await resolveAccount(flags, environment, files?.logins).catch(() => before);
    if (fingerprintOf(account) !== fingerprintOf(before)) {
      this.#opened = await openManager(flags, this.#context, SESSION);
      this.#profile ??= profileWithLogin(this.#opened);
      this.#send = this.#createSender();
      for (const listener of this.#listeners) this.#opened.manager.subscribe(listener);
      if (this.#isStarted) this.#opened.manager.start();
      manager.stop().catch(() => undefined);
      this.#forgetRefusals();
      return true;
    }
    // With nothing to log in with nobody is asked: it costs nothing.
    if (account.credential === undefined) return true;
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
    const { account, manager, hindrance } = this.#opened;
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
