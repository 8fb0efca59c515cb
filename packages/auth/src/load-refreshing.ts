import { lazily } from './lazily.js';

/** What obtains tokens. Most processes find theirs in the cache and end: they never load it. */
export const loadRefreshing = lazily(() => import('./refreshing.js'));
