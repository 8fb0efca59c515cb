const FIRST_WAIT_MS = 500;
/** The longest wait of our own making. */
export const LONGEST_WAIT_MS = 30_000;

/** How long to wait after the `failures`-th failure in a row: doubling, capped, with up to half of it left to chance. */
export function backoffMs(failures: number, random: () => number): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
  return Math.round(wait * (0.5 + random() / 2));
}
