import type { GrantKey } from './grant-record.js';

/** What a cache found amiss and what it did about it. */
export type CacheNotice = {
  /** `corrupt`: something could not be opened, and counts as empty. `repaired`: something was put right. */
  readonly kind: 'corrupt' | 'repaired';
  /** For people: what was found, where, and what was done. */
  readonly message: string;
  /** Whether something of this grant's login may be lost with what is `corrupt`. Default: it may, whichever grant it is. */
  readonly mayConcernLogin?: (grant: GrantKey) => boolean;
};

/** Whether a notice says that something of this grant's login may be lost. */
export function isLoginDamaged(
  { kind, mayConcernLogin = () => true }: CacheNotice,
  grant: GrantKey,
): boolean {
  return kind === 'corrupt' && mayConcernLogin(grant);
}

/** Is told what a cache found amiss. */
export type CacheNoticeListener = (notice: CacheNotice) => void;
