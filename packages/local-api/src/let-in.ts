import { inspect } from 'node:util';
import { badOption, type ApiKeyOption, type ClientOption, type Settings } from './options.js';
import { fingerprint } from './secrets.js';
import type { Account } from './store/accounts.js';
import type { Store } from './store/store.js';
import { API_KEY_PREFIXES, isTier, tierOfApiKey, type Tier } from './tiers.js';

/** Approves device logins where no API key was given. */
const LOCAL_ACCOUNT: Account = { subject: 'acct_local', tier: 'pro' };

/**
 * Lets in the accounts of the settings; answers the one that device logins are approved for.
 *
 * @throws {LocalApiError} `KM_LOCAL_API_BAD_OPTION` for a key or a client that is none, or of no known tier.
 */
export function letIn(store: Store, settings: Settings): Account {
  const keys = settings.apiKeys.map(checkedKey);
  const clients = settings.clients.map(checkedClient);
  const account = keys[0]?.account ?? LOCAL_ACCOUNT;
  store.transaction(() => {
    store.accounts.save(account);
    for (const each of keys) store.accounts.saveApiKey(each.key, each.account, settings.now());
    for (const { clientId, clientSecret, tier } of clients) {
      store.accounts.saveClient(clientId, clientSecret, { subject: `client_${clientId}`, tier });
    }
  });
  return account;
}

/** Until when accounts have their features, in ms since the epoch, by subject, as far as the settings say. */
export function featureEnds({ apiKeys }: Settings): ReadonlyMap<string, number> {
  return new Map(
    apiKeys
      .map(checkedKey)
      .flatMap(({ account, featuresExpireAtMs: at }) => (at === undefined ? [] : [[account.subject, at]])),
  );
}

/** An option as a program without types may give it. */
type Untyped<T> = Readonly<Partial<Record<keyof T, unknown>>>;

type CheckedKey = {
  readonly key: string;
  readonly account: Account;
  readonly featuresExpireAtMs: number | undefined;
};

function checkedKey(option: string | ApiKeyOption): CheckedKey {
  const told = (typeof option === 'string' ? { key: option } : Object(option)) as Untyped<ApiKeyOption>;
  const { key, subject, featuresExpireAtMs } = told;
  if (typeof key !== 'string') throw badOption('an API key must be text, or { key, tier?, subject? }');
  const tier = told.tier === undefined ? tierOfApiKey(key) : checkedTier(told.tier);
  if (tier === undefined || key === '') {
    throw badOption(`an API key must start with ${API_KEY_PREFIXES.join(', ')}, or come with its tier`);
  }
  if (subject !== undefined && !isText(subject)) throw badOption('the subject of an API key must be text');
  if (featuresExpireAtMs !== undefined && !isTime(featuresExpireAtMs))
    throw badOption('featuresExpireAtMs of an API key must be a time in milliseconds since the epoch');
  return { key, account: { subject: subject ?? `acct_${fingerprint(key)}`, tier }, featuresExpireAtMs };
}

function checkedClient(option: ClientOption): Required<ClientOption> {
  const { clientId, clientSecret, tier = 'pro' } = Object(option) as Untyped<ClientOption>;
  if (!isText(clientId) || !isText(clientSecret)) {
    throw badOption('a client needs an id and a secret: { clientId, clientSecret, tier? }');
  }
  return { clientId, clientSecret, tier: checkedTier(tier) };
}

function checkedTier(tier: unknown): Tier {
  if (isTier(tier)) return tier;
  throw badOption(`a tier must be free, pro or enterprise, not ${inspect(tier)}`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime());
}
