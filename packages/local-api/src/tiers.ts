/** What an account has paid for. */
export type Tier = 'free' | 'pro' | 'enterprise';

const RANK: Readonly<Record<Tier, number>> = { free: 0, pro: 1, enterprise: 2 };

const BY_PREFIX: readonly (readonly [prefix: string, tier: Tier])[] = [
  ['km_free_', 'free'],
  ['km_live_', 'pro'],
  ['km_pro_', 'pro'],
  ['km_ent_', 'enterprise'],
];

/** The prefixes an API key may start with. */
export const API_KEY_PREFIXES: readonly string[] = BY_PREFIX.map(([prefix]) => prefix);

/** The tier an API key's prefix stands for (`km_live_…` is a paid key: pro), or undefined when it has none. */
export function tierOfApiKey(apiKey: string): Tier | undefined {
  return BY_PREFIX.find(([prefix]) => apiKey.startsWith(prefix) && apiKey.length > prefix.length)?.[1];
}

/** Whether an account of `tier` may use what is offered from `required` upwards. */
export function includesTier(tier: Tier, required: Tier): boolean {
  return RANK[tier] >= RANK[required];
}

/** Whether it is a tier, as told by a program without types or found in the store. */
export function isTier(value: unknown): value is Tier {
  return typeof value === 'string' && Object.hasOwn(RANK, value);
}

/** Reads a stored tier. */
export function asTier(text: string): Tier {
  if (isTier(text)) return text;
  throw new Error(`unknown tier in the store: ${text}`);
}
