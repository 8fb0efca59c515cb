import {
  isAuthError,
  revocableTokens,
  type GrantKey,
  type GrantRecord,
  type Parting,
  type RevocableToken,
  type TokenCache,
} from '@kilometers/auth';

/** A refresh that was sent is waited for this long, in milliseconds, so that its answer is taken too. */
const TAKE_LOCK_TIMEOUT_MS = 15_000;

/** `undefined` is left where nothing of a grant is to stay. */
type PartingForGood = Pick<Parting, 'taken'> & { readonly left: GrantRecord | undefined };

/** What was taken out of the cache. */
export type TakenGrant = { readonly key: GrantKey; readonly tokens: readonly RevocableToken[] };

export type Taken = {
  readonly grants: readonly TakenGrant[];
  /** Another process is refreshing one of the grants, and may store what it gets. */
  readonly isBusy: boolean;
};

/** How long it is remembered that a grant was ended, in milliseconds: no process stands still for longer, and then goes on. */
const MEMORY_MS = 7 * 24 * 3_600_000;

/** Whether nothing is left of a grant but that it was ended. */
function isOver(record: GrantRecord): boolean {
  const isWaitedFor = record.requestUnderWayAtMs !== undefined;
  return record.endedAtMs !== undefined && !isWaitedFor && revocableTokens(record).length === 0;
}

/** Whether that a grant was ended, which is all that is left of it, need not be known any more. */
function isOverForLong(record: GrantRecord, nowMs: number): boolean {
  return isOver(record) && nowMs - (record.endedAtMs ?? nowMs) > MEMORY_MS;
}

/** Everything. Only that it was ended stays, for who has sent a request before that. */
export function partWithAll(nowMs: number): (record: GrantRecord) => PartingForGood {
  return (record) => {
    if (isOver(record)) return { taken: [], left: isOverForLong(record, nowMs) ? undefined : record };
    return {
      taken: revocableTokens(record),
      left: { tokens: new Map(), unexplainedRequestsAtMs: [], endedAtMs: nowMs },
    };
  };
}

/** Forgets that grants of a profile were ended, where that is long ago: each login at another issuer leaves one behind. */
export async function forgetOldEnds(
  { profile }: Pick<GrantKey, 'profile'>,
  files: TokenCache,
  nowMs: number,
): Promise<void> {
  for (const key of (await files.listGrants()).filter((grant) => grant.profile === profile)) {
    const found = await files.getGrant(key);
    if (found === undefined || !isOverForLong(found, nowMs)) continue;
    // Somebody may have won something of it meanwhile.
    await files.updateGrant(key, (record) => (record && isOverForLong(record, nowMs) ? undefined : record));
  }
}

export type TakeOptions = {
  readonly files: TokenCache;
  readonly isMeant: (key: GrantKey) => boolean;
  readonly part: (record: GrantRecord) => PartingForGood;
  /** Is told what is about to be taken, so that it is not forgotten when this process is killed. */
  readonly note: (grant: TakenGrant) => Promise<void>;
};

/** Takes tokens out of the cache, as a refresh would: under the locks of their grants. */
export async function takeTokens(options: TakeOptions): Promise<Taken> {
  const { files, isMeant } = options;
  const grants: TakenGrant[] = [];
  let isBusy = false;
  for (const key of (await files.listGrants()).filter(isMeant)) {
    const take = async (): Promise<void> => {
      const tokens = await takeFrom(key, options);
      if (tokens.length > 0) grants.push({ key, tokens });
    };
    try {
      await files.withLock(key, take, { timeoutMs: TAKE_LOCK_TIMEOUT_MS });
    } catch (error) {
      if (!isAuthError(error, 'KM_AUTH_LOCK_TIMEOUT')) throw error;
      isBusy = true;
      await take();
    }
  }
  return { grants, isBusy };
}

async function takeFrom(
  key: GrantKey,
  { files, part, note }: TakeOptions,
): Promise<readonly RevocableToken[]> {
  const before = await files.getGrant(key);
  const expected = before === undefined ? [] : part(before).taken;
  if (expected.length > 0) await note({ key, tokens: expected });
  let taken: readonly RevocableToken[] = [];
  await files.updateGrant(key, (record) => {
    if (record === undefined) return undefined;
    const parting = part(record);
    ({ taken } = parting);
    return parting.left;
  });
  // Without the lock, somebody may have stored others meanwhile.
  const isNoted = new Set(expected.map(({ token }) => token.reveal()));
  const late = taken.filter(({ token }) => !isNoted.has(token.reveal()));
  if (late.length > 0) await note({ key, tokens: late });
  return [...expected, ...late];
}
