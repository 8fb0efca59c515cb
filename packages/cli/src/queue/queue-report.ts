import { formatDuration } from '@kilometers/auth';
import { countOf, eventsIn } from '../monitor/readable-text.js';
import type { QueuePlace } from './queue-place.js';
import type { AccountSurvey } from './queue-survey.js';

/** What `km queue status --json` prints. Members may be added; these stay. Times are RFC 3339. */
export type QueueReport = {
  /** `null` when there is none: this user has no home, or it is turned off. */
  readonly folder: string | null;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly maxAgeSeconds: number;
  readonly waiting: number;
  readonly accounts: readonly AccountReport[];
  readonly revocations: number;
};

type AccountReport = {
  readonly profile: string | null;
  readonly endpoint: string | null;
  readonly waiting: number;
  readonly oldestAt: string | null;
  readonly refused: number;
  readonly corruptFiles: number;
  readonly bytes: number;
  readonly deliveredBy: string | null;
  readonly lastFailure: { readonly reason: string; readonly at: string; readonly retryAt: string } | null;
};

export type QueueReportInput = {
  readonly place: QueuePlace | undefined;
  readonly surveys: readonly AccountSurvey[];
  readonly revocations: number;
};

export function queueReport({ place, surveys, revocations }: QueueReportInput): QueueReport {
  // A folder of which everything is delivered has its lock in it, and nothing else.
  const accounts = surveys.filter(({ bytes }) => bytes > 0).map(accountReport);
  return {
    folder: place?.root ?? null,
    bytes: accounts.reduce((bytes, account) => bytes + account.bytes, 0),
    maxBytes: place?.limits.maxBytes ?? 0,
    maxAgeSeconds: (place?.limits.maxAgeMs ?? 0) / 1_000,
    waiting: accounts.reduce((events, account) => events + account.waiting, 0),
    accounts,
    revocations,
  };
}

function accountReport(survey: AccountSurvey): AccountReport {
  const { account, waiting, oldestAtMs, refused, corruptFiles, bytes, deliveredBy, lastFailure } = survey;
  return {
    profile: account?.profile ?? null,
    endpoint: account?.origin ?? null,
    waiting,
    oldestAt: timeOf(oldestAtMs),
    refused,
    corruptFiles,
    bytes,
    deliveredBy: deliveredBy ?? null,
    lastFailure:
      lastFailure === undefined
        ? null
        : {
            reason: lastFailure.reason,
            at: new Date(lastFailure.atMs).toISOString(),
            retryAt: new Date(lastFailure.untilMs).toISOString(),
          },
  };
}

function timeOf(atMs: number | undefined): string | null {
  return atMs === undefined || !Number.isFinite(atMs) ? null : new Date(atMs).toISOString();
}

/** The report for people. */
export function queueLines(report: QueueReport, nowMs: number): readonly string[] {
  if (report.folder === null)
    return ['no queue on the disk: events wait in memory, and end with their process'];
  const lines = [
    `${eventsIn(report.waiting)} in ${report.folder}: ${sizeOf(report.bytes)} of ${sizeOf(report.maxBytes)}, kept for at most ${formatDuration(report.maxAgeSeconds * 1_000)}`,
  ];
  for (const account of report.accounts) lines.push(...accountLines(account, nowMs));
  if (report.revocations > 0) {
    lines.push(`${countOf(report.revocations, 'login')} to be ended at the API`);
  }
  return lines;
}

function accountLines(account: AccountReport, nowMs: number): readonly string[] {
  const { profile, endpoint, waiting, oldestAt, refused, corruptFiles, deliveredBy, lastFailure } = account;
  if (waiting + refused + corruptFiles === 0 && lastFailure === null) return [];
  const who = profile === null ? 'an account that cannot be told' : `profile ${profile}`;
  const where = endpoint ?? 'where it logs in';
  const ageMs = oldestAt === null ? 0 : Math.max(0, nowMs - Date.parse(oldestAt));
  const age =
    oldestAt === null ? '' : `, the oldest from ${formatDuration(Math.round(ageMs / 1_000) * 1_000)} ago`;
  const lines = [`${who}, for ${where}: ${eventsIn(waiting)}${age}`];
  if (refused > 0) lines.push(`  ${eventsIn(refused)} set aside: the API refused`);
  if (corruptFiles > 0) lines.push(`  ${countOf(corruptFiles, 'file')} set aside: damaged`);
  if (deliveredBy !== null) lines.push(`  delivered by ${deliveredBy}`);
  if (lastFailure !== null) {
    const waitMs = Math.ceil((Date.parse(lastFailure.retryAt) - nowMs) / 1_000) * 1_000;
    const next = waitMs > 0 ? `is in ${formatDuration(waitMs)}` : 'is due';
    lines.push(`  last try failed: ${lastFailure.reason}; the next one ${next}`);
  }
  return lines;
}

function sizeOf(bytes: number): string {
  const mib = bytes / (1024 * 1024);
  return mib >= 0.1 ? `${Number(mib.toFixed(1))} MiB` : `${Math.ceil(bytes / 1024)} KiB`;
}
