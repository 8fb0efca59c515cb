import type { AuthToken, GrantKey, GrantRecord, StoredLogin } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import type { ProviderSettings } from '../config/configuration.js';
import type { AccountFlags, Settings } from '../settings.js';

export type AuthLoginFlags = AccountFlags & {
  readonly apiKey?: string;
  readonly apiKeyStdin?: boolean;
  readonly device?: boolean;
  readonly clientId?: string;
  readonly clientSecretStdin?: boolean;
  readonly scope?: readonly string[] | undefined;
} & IssuerFlags;

/** Of a login at another issuer than the Kilometers API. */
export type IssuerFlags = {
  readonly issuer?: string;
  readonly web?: boolean;
  readonly audience?: string;
  readonly resource?: readonly string[];
  readonly redirectUri?: string;
  readonly prompt?: string;
  readonly dpop?: boolean;
  readonly clientAuth?: string;
  readonly clientKey?: string;
  readonly clientCert?: string;
  readonly authorizationEndpoint?: string;
  readonly tokenEndpoint?: string;
  readonly deviceEndpoint?: string;
  readonly revocationEndpoint?: string;
};

/** What a way to log in works with. */
export type LoginRequest = {
  readonly flags: AuthLoginFlags;
  readonly context: CommandContext;
  readonly settings: Settings;
  readonly profile: string;
  readonly apiEndpoint: string;
  /** Is called once there is something to lose: from then on a signal does not end the process. */
  readonly onWon: () => void;
};

/** What was won: proved, and not stored yet. */
export type WonLogin = {
  readonly login: StoredLogin;
  /** The token that proves it. */
  readonly token: AuthToken;
  /** What the cache gets. Of a person's login it is all there is: then it must not be lost. */
  readonly grants: readonly { readonly key: GrantKey; readonly record: GrantRecord }[];
  /** Who issues the tokens, where it is not the Kilometers API; for the profile in `config.json`. */
  readonly provider?: ProviderSettings;
};

/** A way to log in. To add one, put it in `login-kinds.ts`; its flags go to `login-command.ts`. */
export type LoginKind = {
  /** The flags that ask for it, as a user would write them. */
  readonly usage: string;
  /** What the menu says; without it, it is not in the menu. */
  readonly menu?: string;
  /** Whether the flags ask for it. */
  readonly isMeant: (flags: AuthLoginFlags) => boolean;
  /**
   * Logs in, and proves it with a real token. Stores nothing.
   *
   * @throws {CliError} or {@link AuthError}: then nothing was won.
   */
  readonly win: (request: LoginRequest) => Promise<WonLogin>;
};
