import { DEFAULT_SCOPE, finishRefreshOnSignal, type AuthToken } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { openAuthManager } from '../open-auth-manager.js';
import type { AccountFlags } from '../settings.js';

export const TOKEN_FORMATS = ['raw', 'header', 'json'] as const;
export type TokenFormat = (typeof TOKEN_FORMATS)[number];

export type AuthTokenFlags = AccountFlags & {
  readonly scope?: string;
  /** The token must be good for at least this long, in milliseconds. */
  readonly minValid?: number;
  readonly format: TokenFormat;
};

/** `km auth token`: prints a valid token, and nothing else, to stdout. */
export async function runAuthToken(flags: AuthTokenFlags, context: CommandContext): Promise<number> {
  const { manager } = await openAuthManager(flags, context);
  finishRefreshOnSignal(manager, context.process);
  try {
    const token = await manager.getValidToken(flags.scope ?? DEFAULT_SCOPE, {
      wait: 'if-due',
      ...(flags.minValid === undefined ? {} : { minValidMs: flags.minValid }),
    });
    await context.answer(`${formatToken(token, flags.format)}\n`);
    return 0;
  } finally {
    await manager.stop();
  }
}

function formatToken(token: AuthToken, format: TokenFormat): string {
  switch (format) {
    case 'raw':
      return token.reveal();
    case 'header':
      return `Authorization: ${token.authorization}`;
    case 'json':
      return JSON.stringify({
        token: token.reveal(),
        type: token.type,
        scopes: token.scopes,
        issuedAt: new Date(token.issuedAtMs).toISOString(),
        expiresAt: new Date(token.expiresAtMs).toISOString(),
      });
  }
}
