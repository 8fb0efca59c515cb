import { dueAtMs, type AuthToken } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';

/** The versions of the protocol in which a token stands the same way. */
const API_VERSIONS: readonly unknown[] = [
  'client.authentication.k8s.io/v1',
  'client.authentication.k8s.io/v1beta1',
];

/** When, and by which rules, a token is asked for. */
export type AskedAt = {
  readonly nowMs: number;
  readonly refreshAheadMs: number;
};

/** An RFC 3339 time in whole seconds, which every client reads; never later than `ms`. */
export function wholeSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/**
 * When a client that keeps the token should ask again: at its refresh point, so that it never sends one
 * that is over; past that, ever sooner, because the refresh did not work yet.
 */
function askAgainAtMs(token: AuthToken, { nowMs, refreshAheadMs }: AskedAt): number {
  const dueMs = dueAtMs(token, refreshAheadMs, 0);
  return nowMs < dueMs ? dueMs : nowMs + token.remainingMs(nowMs) / 2;
}

/** The version that `kubectl` asks for in `KUBERNETES_EXEC_INFO`; v1 where it does not say. */
function apiVersionIn(execInfo: string | undefined): string {
  if (execInfo === undefined || execInfo === '') return 'client.authentication.k8s.io/v1';
  let asked: unknown;
  try {
    asked = (JSON.parse(execInfo) as { readonly apiVersion?: unknown } | null)?.apiVersion;
  } catch (cause) {
    throw new CliError('KUBERNETES_EXEC_INFO is not JSON: let kubectl set it, or unset it', {
      exitCode: EXIT.failed,
      cause,
    });
  }
  if (typeof asked === 'string' && API_VERSIONS.includes(asked)) return asked;
  throw new CliError(
    `KUBERNETES_EXEC_INFO asks for apiVersion ${JSON.stringify(asked ?? null)}: in the kubeconfig, under exec, set apiVersion to client.authentication.k8s.io/v1`,
    { exitCode: EXIT.failed },
  );
}

/**
 * A token as `kubectl` takes it from an exec plugin.
 *
 * @throws {CliError} when `kubectl` asks for a version that is not known.
 * @see {@link https://kubernetes.io/docs/reference/config-api/client-authentication.v1/ | ExecCredential}
 */
export function execCredential(token: AuthToken, asked: AskedAt, execInfo: string | undefined): string {
  return JSON.stringify({
    kind: 'ExecCredential',
    apiVersion: apiVersionIn(execInfo),
    spec: { interactive: false },
    status: { expirationTimestamp: wholeSeconds(askAgainAtMs(token, asked)), token: token.reveal() },
  });
}
