import { issuerIdentityOf, type LoginStore } from '@kilometers/auth';

/**
 * Whether a login is stored, of whichever profile, that may end with another of a person at the same issuer, as the same
 * client: many issuers keep both as one grant, and end that as a whole.
 *
 * @param identity as `issuerIdentityOf` has it of the other.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
 */
export async function sharesGrantWithStored(
  identity: string | undefined,
  logins: Pick<LoginStore, 'list'> | undefined,
): Promise<boolean> {
  if (identity === undefined || logins === undefined) return false;
  try {
    const stored = await logins.list();
    return stored.some((login) => login.kind === 'oauth' && issuerIdentityOf(login.grant) === identity);
  } catch {
    // What may be there is not ended.
    return true;
  }
}
