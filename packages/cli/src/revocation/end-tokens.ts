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

/**
 * Tells the APIs that tokens are over. It is noted on the disk first, so that it is not forgotten when this process is
 * killed or the API cannot be reached.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
 */
export class TokenEndings {
  readonly #authorityOf: (key: GrantKey) => TokenAuthority;
  readonly #context: CommandContext;
  /** Names of the files in which it is noted. */
  readonly #noted = new Set<string>();
  /** What could not be noted. */
  readonly #unkept: { readonly grant: TakenGrant; readonly why: string }[] = [];

  /** @param authorityOf who issued the tokens of a grant. */
  constructor(authorityOf: (key: GrantKey) => TokenAuthority, context: CommandContext) {
    this.#authorityOf = authorityOf;
    this.#context = context;
  }

  readonly note = async (grant: TakenGrant): Promise<void> => {
    const authority = this.#authorityOf(grant.key);
    try {
      this.#noted.add(await addPendingRevocation({ ...authority, tokens: grant.tokens }, this.#context));
    } catch (error) {
      this.#unkept.push({ grant, why: error instanceof Error ? error.message : String(error) });
    }
  };

  async tell(): Promise<Ending> {
    let untold: string | undefined;
    for (const { grant, why } of this.#unkept) {
      if (!(await this.#tellNow(grant))) untold = why;
    }
    const { waiting, untold: whys } = await deliverPendingRevocations(this.#context);
    // Of what others left nobody here asked.
    const noted = [...this.#noted];
    untold ??= noted.map((name) => whys.get(name)).find((why) => why !== undefined);
    if (untold !== undefined) return { kind: 'untold', why: untold };
    return noted.some((name) => waiting.has(name)) ? { kind: 'waiting' } : { kind: 'told' };
  }

  async #tellNow({ key, tokens }: TakenGrant): Promise<boolean> {
    for (const token of tokens) {
      if ((await revokeAt(this.#authorityOf(key), token, this.#context)) !== 'told') return false;
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
