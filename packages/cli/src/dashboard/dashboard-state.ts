import type { UsageReport } from '../analytics/usage-report.js';
import type { QueueReport } from '../queue/queue-report.js';
import type { StatusReport } from '../status/profile-status.js';

/** A step of time, and how tokens were obtained in it. */
export type UsageStep = {
  /** When it begins, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly refreshes: number;
  readonly failures: number;
  /** The longest that a token took, in milliseconds; `null` where none came. */
  readonly longestMs: number | null;
};

/** A token that was asked for. Tokens are named by fingerprint. */
export type RecentRefresh = {
  readonly atMs: number;
  readonly profile: string;
  readonly scope: string;
  /** The command that asked. */
  readonly by: string;
  /** The fingerprint of the token that came; `null` where none did. */
  readonly token: string | null;
  readonly code: string | null;
  readonly tookMs: number;
};

/** All that the dashboard shows. No secret is in it. */
export type DashboardState = {
  readonly version: string;
  readonly status: StatusReport;
  readonly notices: readonly string[];
  /** `null` where nothing is recorded. */
  readonly usage: UsageReport | null;
  readonly steps: readonly UsageStep[];
  readonly recent: readonly RecentRefresh[];
  readonly queue: QueueReport;
};
