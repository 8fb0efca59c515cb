import { formatDuration } from '@kilometers/auth';
import { usageFolder } from '../analytics/record-usage.js';
import { readUsage } from '../analytics/usage-log.js';
import type { CommandContext } from '../command-context.js';
import { dateTime } from '../terminal/date-time.js';
import { warning, type HealthCheck } from './health-check.js';

/** What was seen of the clock longer ago than this, in milliseconds, says little of it now. */
const REMEMBERED_MS = 24 * 3_600_000;

/** That a token request of this profile has seen the clock wrong, where nobody can be asked now. */
export function rememberedClock(profile: string, context: CommandContext): HealthCheck | undefined {
  const folder = usageFolder(context.environment);
  if (folder === undefined) return undefined;
  const nowMs = context.clock.nowMs();
  const last = readUsage(folder, nowMs - REMEMBERED_MS, nowMs).findLast(
    (record) => record.type === 'event' && record.kind === 'clock-skew' && record.profile === profile,
  );
  if (last?.type !== 'event') return undefined;
  const skewMs = Number.parseInt(last.detail, 10);
  const by = `${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'}`;
  return warning('clock', `was ${by} the API's ${dateTime(last.at, nowMs)}`, 'set the clock, or turn on NTP');
}
