/** What a cache found amiss and what it did about it. */
export type CacheNotice = {
  /** `corrupt`: something could not be opened, and counts as empty. `repaired`: something was put right. */
  readonly kind: 'corrupt' | 'repaired';
  readonly message: string;
};

export type CacheNoticeListener = (notice: CacheNotice) => void;
