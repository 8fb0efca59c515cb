import { LocalApiError } from '../errors.js';
import { isBodiless, ODDITIES, odditiesOf, type TroubleRule } from './rule.js';

/** What a timer can wait: 2^31 - 1 ms, almost 25 days. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** @returns the error for trouble that makes no sense. */
export function badTrouble(message: string): LocalApiError {
  return new LocalApiError('KM_LOCAL_API_BAD_TROUBLE', message);
}

/**
 * Checks that a rule does something, and nothing that contradicts itself.
 *
 * @throws {LocalApiError} `KM_LOCAL_API_BAD_TROUBLE`.
 */
export function checkRule(rule: TroubleRule): void {
  const { body, count = 1, drop, latencyMs = 0, redirect, skewMs = 0, status } = rule;
  if (count !== Number.POSITIVE_INFINITY && !(Number.isInteger(count) && count >= 1)) {
    throw badTrouble('count must be a whole number from 1, or inf');
  }
  if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw badTrouble('status must be from 200 to 599');
  }
  if (!(latencyMs >= 0 && latencyMs <= LONGEST_WAIT_MS)) {
    throw badTrouble('latency must be from 0 to 24 days: no timer waits longer');
  }
  if (!Number.isFinite(skewMs)) throw badTrouble('skew must be a duration');
  if (redirect !== undefined && status !== undefined && (status < 300 || status > 399)) {
    throw badTrouble('a redirect needs a status from 300 to 399, or none');
  }
  if (redirect !== undefined && !/^[\x21-\x7e]+$/.test(redirect)) {
    throw badTrouble('a redirect takes a URL in ASCII without spaces: write other characters as %E6%97%A5');
  }
  if (body !== undefined && status !== undefined && isBodiless(status)) {
    throw badTrouble(`an answer with status ${status} has no body; name another status, or no body`);
  }
  const oddities = odditiesOf(rule);
  const unknown = oddities.find((oddity) => !ODDITIES.includes(oddity));
  if (unknown !== undefined) throw badTrouble(`unknown oddity ${unknown}; use ${ODDITIES.join(', ')}`);
  const outcomes = [
    drop !== undefined && 'drop',
    redirect !== undefined && 'redirect',
    body !== undefined && 'body',
    redirect === undefined && body === undefined && status !== undefined && 'status',
    oddities.length > 0 && 'oddity',
  ].filter((name) => name !== false);
  if (outcomes.length > 1) throw badTrouble(`${outcomes.join(' and ')} cannot be combined`);
  if (body === 'truncated' && status !== undefined) {
    throw badTrouble('body=truncated cuts the real answer and takes no status');
  }
  if (outcomes.length === 0 && latencyMs === 0 && skewMs === 0) {
    throw badTrouble(
      'this trouble does nothing; name a status, latency, drop, body, redirect, skew or oddity',
    );
  }
  if (rule.retryAfter !== undefined && status === undefined) throw badTrouble('retry-after needs a status');
}
