import type { RevocableToken, TokenGrant } from '@kilometers/auth';

/** Ends what was granted to somebody who gave up, by `revoke`. What cannot be ended ends by itself. */
export async function giveBackGrant(
  { token, refreshToken }: TokenGrant,
  revoke: (token: RevocableToken) => Promise<unknown>,
): Promise<void> {
  try {
    if (refreshToken !== undefined) await revoke({ token: refreshToken, kind: 'refresh_token' });
    await revoke({ token, kind: 'access_token' });
  } catch {
    // Nobody has it any more.
  }
}
