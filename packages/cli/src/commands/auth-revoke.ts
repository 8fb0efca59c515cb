import { endedLoginOf, partWithScopes, partWithTokens, scopeKey, type GrantKey } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { grantOfAccount, tokenKeyOf } from '../grant-of-account.js';
import { authorityOf } from '../revocation/authority-of.js';
import { TokenEndings, wordsFor } from '../revocation/end-tokens.js';
import { takeTokens, type TakenGrant } from '../revocation/take-tokens.js';
import { resolveAccount, type AccountFlags } from '../settings.js';
import { openStorage, tellNotices } from '../token-cache.js';
import { whileSpinning } from '../terminal/spinner.js';

export type AuthRevokeFlags = AccountFlags & { readonly scope?: readonly string[] };

/** `km auth revoke`: ends an account's tokens here and at the API. What wins new ones stays. */
export function runAuthRevoke(flags: AuthRevokeFlags, context: CommandContext): Promise<number> {
  return whileSpinning('revoking', context, (spoken) => revoke(flags, spoken));
}

async function revoke(flags: AuthRevokeFlags, context: CommandContext): Promise<number> {
  const { files, whyMemory } = openStorage(context);
  if (files === undefined || whyMemory !== undefined) {
    throw new CliError(
      files === undefined
        ? `there are no tokens to revoke: ${whyMemory ?? 'none are kept'}`
        : 'KM_NO_TOKEN_CACHE=1 keeps km from the tokens that are stored: unset it to revoke them',
      { exitCode: EXIT.failed },
    );
  }
  tellNotices(files, context);
  const scopes = flags.scope && [...new Set(flags.scope.map(scopeKey))];
  const account = await resolveAccount(flags, context.environment, files.logins);
  const { profile, endpoint, loginCommand, oauth, note } = account;
  if (note !== undefined) context.tell(`km: ${note}`);
  const { key: own } = grantOfAccount(account);
  const isOwn = ({ credential: of }: GrantKey): boolean => oauth === undefined || of === own.credential;
  // A login that is not used may have tokens all the same.
  const stored = await files.logins.get(profile.value).catch(() => undefined);
  const ended = stored && endedLoginOf(stored);
  const known = [
    { ...oauth, grant: own, apiEndpoint: endpoint.value },
    ...(ended === undefined ? [] : [ended]),
  ];
  const endings = new TokenEndings((key) => authorityOf(key, known), context);
  const taken = await takeTokens({
    files,
    isMeant: (key) => key.profile === own.profile && key.apiOrigin === own.apiOrigin && isOwn(key),
    part:
      scopes === undefined
        ? partWithTokens(context.clock.nowMs())
        : partWithScopes(scopes.map((scope) => tokenKeyOf(account, scope))),
    note: endings.note,
  });
  const ending = await endings.tell();

  const said = scopes?.map((scope) => `, scope ${JSON.stringify(scope)}`) ?? [];
  const who = `profile ${profile.value}${said.join('')}`;
  const count = taken.grants.reduce((sum, { tokens }) => sum + tokens.length, 0);
  context.tell(
    count === 0
      ? `km: ${who}: there was no token`
      : `km: ${who}: ${count === 1 ? '1 token' : `${count} tokens`} revoked`,
  );
  const words = wordsFor(ending, taken.grants);
  if (words !== undefined) context.tell(`km: ${words}`);
  if (taken.grants.some(isLoginOver)) context.tell(`km: the login is over with it; run \`${loginCommand}\``);
  if (scopes !== undefined && count > 0 && oauth?.loginId !== undefined) {
    context.tell(
      'km: some issuers end the whole login with one of its tokens; where this one does, the next refresh says to log in',
    );
  }
  if (!taken.isBusy) return EXIT.done;
  throw new CliError(
    'a refresh is under way in another process, and may bring a token yet: revoke again in a minute',
    { exitCode: EXIT.tryLater },
  );
}

/** Whether it was a person's login: what else had a refresh token wins another one by itself. */
function isLoginOver({ key, tokens }: TakenGrant): boolean {
  return key.credential.startsWith('login:') && tokens.some(({ kind }) => kind === 'refresh_token');
}
