import type { AuthErrorCode } from '@kilometers/auth';
import type { LocalApiErrorCode } from '@kilometers/local-api';

/** The exit codes that scripts may rely on, besides those of a command that `km` runs. */
export const EXIT = { done: 0, failed: 1, usage: 2, loginRequired: 4, tryLater: 75 } as const;

const EXIT_CODES: Readonly<Record<AuthErrorCode | LocalApiErrorCode, number>> = {
  KM_AUTH_LOGIN_REQUIRED: EXIT.loginRequired,
  KM_AUTH_UNREACHABLE: EXIT.tryLater,
  KM_AUTH_STORM: EXIT.tryLater,
  KM_AUTH_LOCK_TIMEOUT: EXIT.tryLater,
  KM_AUTH_INVALID_OPTION: EXIT.usage,
  KM_AUTH_GRANT_REJECTED: EXIT.failed,
  KM_AUTH_INVALID_SCOPE: EXIT.failed,
  KM_AUTH_CONFIGURATION: EXIT.failed,
  KM_AUTH_INSECURE_ENDPOINT: EXIT.failed,
  KM_AUTH_FOREIGN_ORIGIN: EXIT.failed,
  KM_AUTH_LIFETIME_TOO_SHORT: EXIT.failed,
  KM_AUTH_CACHE: EXIT.failed,
  KM_AUTH_TOKEN_INVALID: EXIT.failed,
  KM_AUTH_ABORTED: EXIT.failed,
  KM_LOCAL_API_BAD_OPTION: EXIT.usage,
  KM_LOCAL_API_BAD_TROUBLE: EXIT.usage,
  KM_LOCAL_API_CANNOT_LISTEN: EXIT.failed,
  KM_LOCAL_API_PORT_IN_USE: EXIT.failed,
  KM_LOCAL_API_STORE_UNAVAILABLE: EXIT.failed,
};

// Each command is a bundle with classes of its own, so errors are told apart by what they carry, not by `instanceof`.

/** What `km` exits with after `error`. */
export function exitCodeFor(error: unknown): number {
  if (hasExitCode(error)) return error.exitCode;
  return exitCodeOf(codeOf(error));
}

/** What `km` exits with after an error with this code. */
export function exitCodeOf(code: string): number {
  return isKnown(code) ? EXIT_CODES[code] : EXIT.failed;
}

/** Whether the message of `error` was written for a user: it says what failed and what to do. */
export function isExplained(error: unknown): error is Error {
  return hasExitCode(error) || (error instanceof Error && codeOf(error).startsWith('KM_'));
}

function hasExitCode(error: unknown): error is Error & { readonly exitCode: number } {
  return error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isKnown(code: string): code is keyof typeof EXIT_CODES {
  return Object.hasOwn(EXIT_CODES, code);
}
