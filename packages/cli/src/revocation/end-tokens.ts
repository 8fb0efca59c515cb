import type { GrantKey } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { addPendingRevocation, deliverPendingRevocations } from '../queue/pending-revocations.js';
import { revokeAt, type TokenAuthority } from './revoke-at.js';
import type { TakenGrant } from './take-tokens.js';

/** What became of tokens that were taken. */
export type Ending =
  /** Their APIs know. */
  | { readonly kind: 'told' }
  /** They do not yet; it waits on the disk, for `km queue flush` and whatever else delivers. */
  | { readonly kind: 'waiting' }
  /** They do not, and it could not be kept for later. */
  | { readonly kind: 'untold'; readonly why: string };

/** What nobody is told of later: now, or never. */
type Unkept = Pick<TakenGrant, 'tokens'> & {
  readonly authority?: TokenAuthority;
  readonly why: string;
};

/**
 * Tells the APIs that tokens are over. It is noted on the disk first, so that it is not forgotten when this process is
 * killed or the API cannot be reached.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
 */
export class TokenEndings {
  readonly #authorityOf: (key: GrantKey) => TokenAuthority | undefined;
  readonly #context: CommandContext;
  /** Names of the files in which it is noted. */
  readonly #noted = new Set<string>();
  /** What could not be noted, and why. */
  readonly #unkept: Unkept[] = [];

  /** @param authorityOf who issued the tokens of a grant; `undefined` where nobody knows any more. */
  constructor(authorityOf: (key: GrantKey) => TokenAuthority | undefined, context: CommandContext) {
    this.#authorityOf = authorityOf;
    this.#context = context;
  }

  readonly note = async (grant: TakenGrant): Promise<void> => {
    const { key, tokens } = grant;
    const authority = this.#authorityOf(key);
    if (authority === undefined) {
      this.#unkept.push({ tokens, why: 'the login that they are of is not known here any more' });
      return;
    }
    try {
      this.#noted.add(await addPendingRevocation({ ...authority, tokens }, this.#context));
    } catch (error) {
      this.#unkept.push({ authority, tokens, why: error instanceof Error ? error.message : String(error) });
    }
  };

  /** @param signal ends the wait for another process that tells. */
  async tell(signal?: AbortSignal): Promise<Ending> {
    let untold: string | undefined;
    for (const unkept of this.#unkept) {
      if (!(await this.#tellNow(unkept))) untold = unkept.why;
    }
    const { waiting, untold: whys } = await deliverPendingRevocations(this.#context, {
      own: this.#noted,
      signal,
    });
    // Of what others left nobody here asked.
    const noted = [...this.#noted];
    untold ??= noted.map((name) => whys.get(name)).find((why) => why !== undefined);
    if (untold !== undefined) return { kind: 'untold', why: untold };
    return noted.some((name) => waiting.has(name)) ? { kind: 'waiting' } : { kind: 'told' };
  }

  async #tellNow({ authority, tokens }: Unkept): Promise<boolean> {
    if (authority === undefined) return false;
    for (const token of tokens) {
      if ((await revokeAt(authority, token, tokens, this.#context)) !== 'told') return false;
    }
    return true;
  }
}

/** What a user should know of an ending; nothing where all went well. */
export function wordsFor(ending: Ending, grants: readonly TakenGrant[]): string | undefined {
  const origins = [...new Set(grants.map(({ key }) => key.apiOrigin))].join(', ');
  switch (ending.kind) {
    case 'told':
      return undefined;
    case 'waiting':
      return `${origins} could not be told yet: the tokens are gone from here, and \`km queue flush\` ends them there`;
    case 'untold':
      return `${origins} could not be told: the tokens are gone from here, and end there by themselves (${ending.why})`;
  }
}
