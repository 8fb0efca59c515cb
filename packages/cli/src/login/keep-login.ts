import {
  endedLoginOf,
  issuerIdentityOf,
  revocableTokens,
  type EndedLogin,
  type EndedOf,
  type GrantKey,
  type StoredLogin,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { authorityOf } from '../revocation/authority-of.js';
import { TokenEndings, wordsFor } from '../revocation/end-tokens.js';
import { forgetOldEnds, partWithAll, takeTokens, type TakenGrant } from '../revocation/take-tokens.js';
import { credentialKindOf } from '../settings.js';
import { openStorage, type SharedCache } from '../token-cache.js';
import { isBack, keepGrants, putBack, type KeptGrant, type KeptGrants, type Place } from './keep-grants.js';
import type { WonLogin } from './login-kind.js';
import { noteProfile, type ProfileGuard } from './note-profile.js';
import { sharesGrantWithStored } from './shared-grant.js';

type Grant = WonLogin['grants'][number];

/** Another process that refreshes the same login is waited for this long, in milliseconds: as long as a refresh waits for it. */
const GRANT_TIMEOUT_MS = 120_000;
/** As long for tokens that are only a gift: without them the login is as good. */
const GIFT_TIMEOUT_MS = 5_000;

/**
 * The files that a login can be kept in.
 *
 * @throws {CliError} where there are none.
 */
export function filesForLogin(context: CommandContext): SharedCache {
  const { files, whyMemory } = openStorage(context);
  if (files !== undefined && whyMemory === undefined) return files;
  throw new CliError(
    files === undefined
      ? 'this user has no home folder, so a login could not be kept: set KM_CONFIG_DIR to a folder for it'
      : 'KM_NO_TOKEN_CACHE is set, so a login could not be kept: unset it, or use KILOMETERS_API_KEY',
    { exitCode: EXIT.failed },
  );
}

/** Where a login is kept, and what may keep it from that. */
export type KeepOptions = {
  readonly files: SharedCache;
  /** Ends the wait for a process that refreshes, or tells an API what is over. */
  readonly signal: AbortSignal;
  readonly guard: ProfileGuard;
};

/**
 * Stores what was won, in the place of what the profile had, and ends that. First the profile is noted in `config.json`,
 * then what must not be lost is stored: of a kill at any moment either the login from before is left, or this one; of two
 * logins at once, the one that is stored last, and it ends the other. An issuer is not told of what may share a grant with a
 * login that is stored: it would end that, too.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored; {@link CliError} when `signal` ended it or `config.json`
 *   is broken; what `guard` throws. Then the login from before still is, and what was won is given back.
 */
export async function keepLogin(
  won: WonLogin,
  context: CommandContext,
  { files, signal, guard }: KeepOptions,
): Promise<void> {
  const { login } = won;
  const known: EndedLogin[] = [];
  const learn = (of: StoredLogin): void => {
    const ended = endedLoginOf(of);
    if (ended) known.push(ended);
  };
  learn(login);
  const endings = new TokenEndings((key) => authorityOf(key, known), context);
  const noted: TakenGrant[] = [];
  const note = async (grant: TakenGrant): Promise<void> => {
    if (await sharesGrantWithStored(issuerIdentityOf(grant.key), files.logins)) return;
    noted.push(grant);
    await endings.note(grant);
  };
  const tellEnds = async (of: string): Promise<void> => {
    const words = wordsFor(await endings.tell(signal), noted);
    if (words !== undefined) context.tell(`km: ${of}: ${words}`);
  };
  const isAllThereIs = credentialKindOf(login) === 'refresh_token';
  const kept: KeptGrants = new Map();
  let takeBackNote: (() => Promise<void>) | undefined;
  let before: StoredLogin | undefined;
  /** What is kept of the login before until its tokens are taken; nothing where this one has its grant now. */
  const endedOf: EndedOf = (replaced) => {
    const ended = endedLoginOf(replaced);
    return won.grants.some(({ key }) => ended && isSameGrant(key, ended.grant)) ? undefined : ended;
  };
  try {
    takeBackNote = await noteProfile(won, context, guard);
    if (isAllThereIs) await keepGrants(won, files, { timeoutMs: GRANT_TIMEOUT_MS, signal, kept });
    before = await files.logins.set(login, endedOf);
  } catch (error) {
    // First all that is on this machine: an API that is asked to end something may take long to answer.
    const places = await putBack(kept, files);
    await takeBackNote?.().catch((cause: unknown) => tellNoteStays(login, cause, context));
    await giveBack(won, kept, { places, note, context });
    // What failed first is what is told.
    await tellEnds('what was won').catch(() => undefined);
    throw error;
  }
  if (before !== undefined) learn(before);
  if (!isAllThereIs)
    await keepGrants(won, files, { timeoutMs: GIFT_TIMEOUT_MS, signal, kept }).catch(() => {
      // What may still be there is not ended.
      kept.clear();
    });
  const inUse = new Set(
    won.grants.flatMap(({ record }) => revocableTokens(record).map(({ token }) => token.reveal())),
  );
  for (const { key, tokens } of replacedBy([...kept.values()])) {
    const over = tokens.filter(({ token }) => !inUse.has(token.reveal()));
    if (over.length > 0) await note({ key, tokens: over });
  }
  const ended = before && endedOf(before);
  const nowMs = context.clock.nowMs();
  const isTaken = ended && (await takeLoginBefore(ended, files, { note, nowMs }));
  await tellEnds('the login before');
  if (isTaken) await files.logins.forget(ended.grant).catch(leaveToLogout);
  await forgetOldEnds(login, files, nowMs).catch(leaveToLogout);
}

const NOT_BACK = 'could not be put back: log in again';
/** What a user should know of the login from before; nothing where all of it is there. */
const PLACE_WORDS: Readonly<Record<Place, string | undefined>> = {
  before: undefined,
  mints: 'could not be put back, only what brings new ones: run `km auth refresh`',
  won: NOT_BACK,
  other: NOT_BACK,
  unknown: 'cannot be read, and may be there or not: run `km auth status --check`',
};

/**
 * Notes as over what was won and is not kept; where the one before could not be put back in its place, that. What may still
 * be there is not.
 */
async function giveBack(
  { grants }: WonLogin,
  kept: KeptGrants,
  {
    places,
    note,
    context,
  }: {
    readonly places: ReadonlyMap<GrantKey, Place>;
    readonly note: (grant: TakenGrant) => Promise<void>;
    readonly context: CommandContext;
  },
): Promise<void> {
  const placeOf = ({ key }: Grant): Place => places.get(key) ?? 'before';
  const over = grants.filter((grant) => isBack(placeOf(grant))).map(takenOf);
  const lost = [...kept.values()].filter((grant) => ['won', 'other'].includes(placeOf(grant)));
  for (const grant of [...over, ...replacedBy(lost)]) await note(grant);
  for (const words of new Set(grants.map((grant) => PLACE_WORDS[placeOf(grant)])))
    if (words !== undefined) context.tell(`km: the tokens of the login from before ${words}`);
}

function replacedBy(kept: readonly KeptGrant[]): readonly TakenGrant[] {
  return kept.flatMap(({ key, before }) => (before === undefined ? [] : [takenOf({ key, record: before })]));
}

function tellNoteStays({ profile }: StoredLogin, cause: unknown, context: CommandContext): void {
  const why = cause instanceof Error ? cause.message : String(cause);
  context.tell(
    `km: profile ${profile} in config.json has what the login that failed was for, and could not be put back: ${why}`,
  );
}

function takenOf({ key, record }: Grant): TakenGrant {
  return { key, tokens: revocableTokens(record) };
}

/** Takes what the login before had. Returns whether nothing of it is left, nor under way. */
async function takeLoginBefore(
  { grant }: EndedLogin,
  files: SharedCache,
  { note, nowMs }: { readonly note: (grant: TakenGrant) => Promise<void>; readonly nowMs: number },
): Promise<boolean> {
  const taken = await takeTokens({
    files,
    isMeant: (key) => isSameGrant(key, grant),
    part: partWithAll(nowMs),
    note,
  }).catch(leaveToLogout);
  return taken?.isBusy === false;
}

function isSameGrant(one: GrantKey, other: GrantKey): boolean {
  return (['apiOrigin', 'profile', 'credential'] as const).every((name) => one[name] === other[name]);
}

/** The login is kept, and that is what was asked for. What is left of the one before goes with the next logout, which knows who issued it. */
const leaveToLogout = (): undefined => undefined;
