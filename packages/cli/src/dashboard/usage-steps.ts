import type { UsageRecord } from '../analytics/usage-record.js';
import type { UsageStep } from './dashboard-state.js';

/** `records` in so many steps of time from `sinceMs` on; those outside are left out. */
export function usageSteps(
  records: readonly UsageRecord[],
  { sinceMs, stepMs, steps }: { readonly sinceMs: number; readonly stepMs: number; readonly steps: number },
): readonly UsageStep[] {
  const made = Array.from({ length: steps }, (_, index) => ({
    atMs: sinceMs + index * stepMs,
    refreshes: 0,
    failures: 0,
    longestMs: null as number | null,
  }));
  for (const record of records) {
    const step = made[Math.floor((record.at - sinceMs) / stepMs)];
    if (step === undefined || record.type !== 'refresh') continue;
    if (record.code === null) {
      step.refreshes += 1;
      step.longestMs = Math.max(step.longestMs ?? 0, record.ms);
    } else step.failures += 1;
  }
  return made;
}
