import {
  credentialFingerprint,
  DEFAULT_REFRESH_SETTINGS,
  parseEndpoint,
  Secret,
  type GrantKey,
  type TokenCache,
} from '@kilometers/auth';
import { statusLines, statusOf, type StatusInput } from '../account-status.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { resolveAccount, type Account, type AccountFlags } from '../settings.js';
import { openStorage } from '../token-cache.js';

export type AuthStatusFlags = AccountFlags & { readonly json?: boolean };

/** `km auth status`: how an account is, from what is stored; asks no server. */
export async function runAuthStatus(flags: AuthStatusFlags, context: CommandContext): Promise<number> {
  const { cache, files, folder, whyMemory } = openStorage(context);
  cache.subscribe?.(({ message }) => context.tell(`km: ${message}`));
  const account = await resolveAccount(flags, context.environment, files?.logins);
  const nowMs = context.clock.nowMs();
  const status = statusOf({
    account,
    grants: await grantsOf(account, cache, context),
    cache: {
      kind: cache.kind,
      keySource: (whyMemory === undefined ? files?.keySource() : undefined) ?? null,
      folder: folder ?? null,
    },
    refreshAheadMs: account.config.refreshAheadMs ?? DEFAULT_REFRESH_SETTINGS.refreshAheadMs,
    nowMs,
  });
  const text =
    flags.json === true ? JSON.stringify(status, undefined, 2) : statusLines(status, nowMs).join('\n');
  await context.answer(`${text}\n`);
  if (status.refreshesWithoutHuman) return EXIT.done;
  context.tell(`km: nobody is logged in; run \`${account.loginCommand}\``);
  return EXIT.loginRequired;
}

/** What is stored for the account's credential; nothing where the cache cannot be read. */
async function grantsOf(
  account: Account,
  cache: TokenCache,
  { tell }: CommandContext,
): Promise<StatusInput['grants']> {
  const origin = parseEndpoint(account.endpoint.value).origin;
  const own = grantCredential(account);
  const isOfAccount = ({ apiOrigin, profile, credential }: GrantKey): boolean =>
    apiOrigin === origin && profile === account.profile.value && credential === own;
  try {
    const keys = (await cache.listGrants()).filter(isOfAccount);
    const found = await Promise.all(keys.map(async (key) => ({ key, record: await cache.getGrant(key) })));
    return found.flatMap(({ key, record }) => (record === undefined ? [] : [{ key, record }]));
  } catch (error) {
    tell(`km: the token cache cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

/** Under which credential the manager keeps this account's grant. */
function grantCredential({ config: { apiKey, clientCredentials } }: Account): string {
  if (apiKey !== undefined) return credentialFingerprint({ kind: 'api_key', apiKey: Secret.from(apiKey) });
  if (clientCredentials === undefined) return 'login:';
  const { clientId, clientSecret } = clientCredentials;
  return credentialFingerprint({
    kind: 'client_credentials',
    clientId,
    clientSecret: Secret.from(clientSecret),
  });
}
