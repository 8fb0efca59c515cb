import { AuthToken, createFileCache } from '@kilometers/auth';
import { configFolderOf } from './login-owner.js';

/** What makes a token of an hour one that is due: it is in its last five minutes. */
export const DUE_MS = 57 * 60_000;
/** What makes a token of an hour one that is over. */
export const OVER_MS = 61 * 60_000;

/** Lets so much time pass for all tokens that are stored, without waiting for it. */
export async function age(env: Readonly<Record<string, string>>, ms: number): Promise<void> {
  const cache = createFileCache({ folder: configFolderOf(env), environment: env });
  const aged = (token: AuthToken): AuthToken =>
    new AuthToken({
      value: token.reveal(),
      type: token.type,
      scopes: token.scopes,
      issuedAtMs: token.issuedAtMs - ms,
      expiresAtMs: token.expiresAtMs - ms,
    });
  for (const key of await cache.listGrants()) {
    await cache.updateGrant(
      key,
      (record) =>
        record && {
          ...record,
          tokens: new Map([...record.tokens].map(([scope, token]) => [scope, aged(token)])),
        },
    );
  }
}
