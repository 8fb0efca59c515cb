import { formatDuration } from '@kilometers/auth';
import { usageFolder } from '../analytics/record-usage.js';
import { readUsage } from '../analytics/usage-log.js';
import { usageReport, type ScopeUsage, type UsageReport } from '../analytics/usage-report.js';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { fold } from '../terminal/fold.js';
import { styleFor } from '../terminal/style.js';
import { widthOf } from '../terminal/terminal.js';

export type AuthStatsFlags = {
  /** In milliseconds, no more than are kept. */
  readonly since: number;
  readonly json?: boolean;
};

/** `km auth stats`: how tokens were obtained on this machine, and what is unusual about it. Asks no server. */
export async function runAuthStats(flags: AuthStatsFlags, context: CommandContext): Promise<number> {
  const folder = usageFolder(context.environment);
  if (folder === undefined) {
    throw new CliError(
      'nothing is recorded here: KM_NO_ANALYTICS is set, or this user has no home (set KM_CONFIG_DIR)',
      { exitCode: EXIT.failed },
    );
  }
  const nowMs = context.clock.nowMs();
  const sinceMs = nowMs - flags.since;
  const report = usageReport(readUsage(folder, sinceMs, nowMs), sinceMs, nowMs);
  const text =
    flags.json === true ? JSON.stringify(report, undefined, 2) : linesOf(report, context).join('\n');
  await context.answer(`${text}\n`);
  return EXIT.done;
}

function linesOf(report: UsageReport, context: CommandContext): readonly string[] {
  const screen = context.screen();
  const width = widthOf(screen);
  const { bold, red } = styleFor(screen, context.environment);
  const wrap = (text: string, indent: number): readonly string[] => fold(text, { width, indent });
  const period = formatDuration(Date.parse(report.until) - Date.parse(report.since));
  if (report.scopes.length + report.events.length === 0) {
    return wrap(`No token was obtained in the last ${period}. Tokens that were at hand are not counted.`, 0);
  }
  return [
    ...report.scopes.flatMap((usage) => [
      ...wrap(`${usage.profile}  ${usage.endpoint}  ${usage.scope}`, 0).map(bold),
      ...scopeLines(usage).flatMap((line) => wrap(line, 2)),
      '',
    ]),
    ...(report.events.length === 0
      ? []
      : [
          bold('Also'),
          ...eventLines(report).flatMap((line) => fold(line, { width, indent: 2, hanging: 4 })),
          '',
        ]),
    ...(report.unusual.length === 0
      ? [`Nothing unusual in the last ${period}.`]
      : [
          red('Unusual'),
          ...report.unusual.flatMap(({ profile, scope, message }) =>
            wrap(`${profile}${scope === null ? '' : `, ${scope}`}: ${message}`, 2),
          ),
        ]),
  ];
}

function scopeLines(usage: ScopeUsage): readonly string[] {
  const { refreshes, failures, retries, latencyMs, lifetimeMs, commands } = usage;
  const seconds = (ms: number): string =>
    ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
  const by = Object.entries(commands).sort(([, one], [, other]) => other - one);
  return [
    `obtained ${refreshes}, failed ${failures}, sent again ${retries}`,
    ...(latencyMs === null
      ? []
      : [`took ${seconds(latencyMs.median)} in the middle, 95 of 100 within ${seconds(latencyMs.p95)}`]),
    ...(lifetimeMs === null ? [] : [`a token lives ${formatDuration(lifetimeMs)}`]),
    ...(by.length === 0 ? [] : [`by ${by.map(([name, count]) => `km ${name} ${count}`).join(', ')}`]),
  ];
}

const WORDS = {
  fallback: 'a refresh token could not be used, the API key was',
  'grant-cleared': 'a refresh token was gone',
  'answer-lost': 'an answer was lost on the way',
  security: 'security events',
  storm: 'the storm brake stopped a request',
  'clock-jump': 'the clock jumped',
  'clock-skew': 'the clock was off',
  offline: 'the API could not be reached',
  'cache-corrupt': 'the cache could not be opened',
} as const;

function eventLines({ events }: UsageReport): readonly string[] {
  return events.map(({ kind, count }) => `${count}  ${WORDS[kind]}`);
}
