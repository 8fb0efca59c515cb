import { badOption, type ApiKeyOption, type Settings } from './options.js';
import { fingerprint } from './secrets.js';
import type { Account } from './store/accounts.js';
import type { Store } from './store/store.js';
import { API_KEY_PREFIXES, tierOfApiKey } from './tiers.js';

/** Approves device logins where no API key was given. */
const LOCAL_ACCOUNT: Account = { subject: 'acct_local', tier: 'pro' };

/**
 * Lets in the accounts of the settings; answers the one that device logins are approved for.
 *
 * @throws {LocalApiError} `KM_LOCAL_API_BAD_OPTION` for a key of no known tier.
 */
export function letIn(store: Store, settings: Settings): Account {
  const keys = settings.apiKeys.map((option) => {
    const { key, ...told }: ApiKeyOption = typeof option === 'string' ? { key: option } : option;
    return { key, account: accountOf(key, told) };
  });
  const account = keys[0]?.account ?? LOCAL_ACCOUNT;
  store.transaction(() => {
    store.accounts.save(account);
    for (const each of keys) store.accounts.saveApiKey(each.key, each.account, settings.now());
    for (const { clientId, clientSecret, tier = 'pro' } of settings.clients) {
      if (clientId === '' || clientSecret === '') throw badOption('a client needs an id and a secret');
      store.accounts.saveClient(clientId, clientSecret, { subject: `client_${clientId}`, tier });
    }
  });
  return account;
}

function accountOf(key: string, told: Omit<ApiKeyOption, 'key'>): Account {
  const tier = told.tier ?? tierOfApiKey(key);
  if (tier === undefined || key === '') {
    throw badOption(`an API key must start with ${API_KEY_PREFIXES.join(', ')}, or come with its tier`);
  }
  return { subject: told.subject ?? `acct_${fingerprint(key)}`, tier };
}
