import { lazily } from '../../lazily.js';

/**
 * What only those need who write the files or wait for a lock. Most processes find their token, read two files and
 * end: they never load it.
 */
export const loadWriting = lazily(() => import('./writing-side.js'));
