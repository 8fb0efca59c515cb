import { coversScopes, decodeClaims, formatDuration, parseEndpoint } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import type { WonLogin } from '../login/login-kind.js';
import { fold } from '../terminal/fold.js';
import { printable } from '../terminal/printable.js';
import { widthOf } from '../terminal/terminal.js';

/** Nobody says so long before that a token ends, in milliseconds: its end is not known, or far. */
const AGES_MS = 365 * 86_400_000;

/** Says whose login it is, what it is for, and how long it goes on. */
export function tellIssuerLogin({ login, token, grants, provider }: WonLogin, context: CommandContext): void {
  if (login.kind !== 'oauth' || provider === undefined) return;
  const who = printable(decodeClaims(token)?.subject);
  const as =
    login.loginId === undefined
      ? ` as client ${String(provider.clientId)}`
      : who === undefined
        ? ''
        : ` as ${who}`;
  context.tell(`km: profile ${login.profile} is logged in to ${parseEndpoint(provider.issuer).href}${as}`);
  tellScopes(token.scopes, login.askedScopes ?? [], context);
  if (login.loginId === undefined) return;
  const nowMs = context.clock.nowMs();
  const [refreshToken] = grants.flatMap(({ record }) => record.refreshToken ?? []);
  if (refreshToken === undefined) {
    const leftMs = token.remainingMs(nowMs);
    const end = leftMs > AGES_MS ? 'when the issuer takes its token no more' : `in ${formatDuration(leftMs)}`;
    context.tell(
      `km: the issuer gave no refresh token: this login ends ${end}. Add --scope offline_access, or allow refresh tokens for the client there`,
    );
  } else if (refreshToken.expiresAtMs !== undefined) {
    const left = formatDuration(refreshToken.expiresAtMs - nowMs);
    context.tell(`km: the refresh token is good for ${left}; a refresh may put that off`);
  }
}

function tellScopes(granted: readonly string[], asked: readonly string[], context: CommandContext): void {
  const width = widthOf(context.stderr());
  const tell = (text: string): void => {
    for (const line of fold(text, { width, indent: 4, hanging: 6 })) context.tell(line);
  };
  const shown = granted.flatMap((scope) => printable(scope) ?? []);
  if (shown.length > 0) tell(`scopes: ${shown.join(' ')}`);
  if (coversScopes(granted, asked)) return;
  tell(`asked for, and not granted: ${asked.filter((scope) => !granted.includes(scope)).join(' ')}`);
}
