import { lazily } from './lazily.js';

/** What sends requests with tokens that are bound to a key. Most tokens are not: their programs never load it. */
export const loadProvedRequests = lazily(() => import('./proved-requests.js'));
