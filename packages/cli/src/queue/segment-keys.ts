import type { RecordSealer } from '@kilometers/auth';

/** Who has the key: the file cache. */
export type SealerSource = { readonly recordSealer: () => Promise<RecordSealer> };

/** The keys that segments of the queue are sealed with: this one's, and those that were it earlier in this process. */
export class SegmentKeys {
  readonly #source: SealerSource;
  readonly #known = new Map<string, RecordSealer>();
  #last: RecordSealer | undefined;

  constructor(source: SealerSource) {
    this.#source = source;
  }

  /**
   * The key for a new segment, as it is now.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when there is none and none can be made.
   */
  async current(): Promise<RecordSealer> {
    const sealer = await this.#source.recordSealer();
    this.#known.set(sealer.keyId.toString('hex'), sealer);
    this.#last = sealer;
    return sealer;
  }

  /** As {@link current}, but as it was when it was asked for last: who has it may be slow to answer. */
  async last(): Promise<RecordSealer> {
    return this.#last ?? this.current();
  }

  /**
   * The key with this id; `undefined` when it is none of ours.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now.
   */
  async find(keyId: Buffer): Promise<RecordSealer | undefined> {
    const id = keyId.toString('hex');
    // Another process may have made a new one meanwhile.
    if (!this.#known.has(id)) await this.current();
    return this.#known.get(id);
  }
}
