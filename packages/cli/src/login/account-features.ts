import { discardBody, type AuthToken, type Clock } from '@kilometers/auth';
import { startOf } from '../network/start-of-answer.js';
import { serviceUrl } from '../settings.js';
import { printable } from '../terminal/printable.js';

/** What an account may use. */
export type AccountFeatures = { readonly tier: string | undefined; readonly features: readonly string[] };

const TIMEOUT_MS = 5_000;
/** What is longer is no answer of the API. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Asks the API what this account may use; `undefined` where it does not say so in time. */
export async function accountFeatures(
  token: AuthToken,
  apiEndpoint: string,
  { fetch: send, clock }: { readonly fetch: typeof fetch; readonly clock: Clock },
): Promise<AccountFeatures | undefined> {
  const giveUp = new AbortController();
  const cancel = clock.schedule(() => giveUp.abort(), TIMEOUT_MS, false);
  try {
    const response = await send(serviceUrl(apiEndpoint, '/api/user/features'), {
      headers: { authorization: token.authorization, accept: 'application/json' },
      redirect: 'manual',
      signal: giveUp.signal,
    });
    if (response.status !== 200) {
      discardBody(response);
      return undefined;
    }
    const body: unknown = JSON.parse(await startOf(response, MAX_ANSWER_BYTES));
    if (typeof body !== 'object' || body === null) return undefined;
    const { tier, features } = body as Readonly<Record<string, unknown>>;
    const named = Array.isArray(features) ? features.flatMap((name) => printable(name) ?? []) : [];
    return { tier: printable(tier), features: named };
  } catch {
    return undefined;
  } finally {
    cancel();
  }
}
