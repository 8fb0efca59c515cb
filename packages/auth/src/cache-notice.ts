/** What a cache found amiss and what it did about it. */
export type CacheNotice = {
  /** `corrupt`: something could not be opened, and counts as empty. `repaired`: something was put right. */
  readonly kind: 'corrupt' | 'repaired';
  /** For people: what was found, where, and what was done. */
  readonly message: string;
};

/** Is told what a cache found amiss. */
export type CacheNoticeListener = (notice: CacheNotice) => void;
