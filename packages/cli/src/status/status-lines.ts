import { formatDuration } from '@kilometers/auth';
import { CREDENTIAL_NAMES } from '../credential-kind.js';
import type { SettingSource } from '../settings.js';
import { dateTime } from '../terminal/date-time.js';
import { fold } from '../terminal/fold.js';
import type { Style } from '../terminal/style.js';
import { issuerFacts } from './issuer-status.js';
import { checkFacts } from './token-checks.js';
import type { CacheStatus, ProfileStatus, ScopeStatus, StatusReport } from './profile-status.js';

/** How a status is written. */
export type StatusLook = { readonly width: number; readonly style: Style; readonly nowMs: number };

/** In words, where a setting came from. */
const SOURCES: Readonly<Record<SettingSource, string>> = {
  flag: 'from a flag',
  environment: 'from the environment',
  config: 'from config.json',
  login: 'from the login',
  default: 'the default',
};

/** The status for people: each profile, and where tokens are kept. */
export function statusLines(report: StatusReport, look: StatusLook): readonly string[] {
  return [
    ...report.profiles.flatMap((profile) => [...profileLines(profile, report.activeFrom, look), '']),
    ...cacheLines(report.cache, look),
  ];
}

function profileLines(status: ProfileStatus, activeFrom: SettingSource, look: StatusLook): readonly string[] {
  const { credential, credentialFrom, endpoint, endpointFrom, lastFailure, note } = status;
  const facts = (text: string): readonly string[] => fold(text, { width: look.width, indent: 2, hanging: 4 });
  const login =
    credential === null || credentialFrom === null
      ? `login: ${note === null ? 'nobody is logged in' : 'none that can be used'}`
      : `login: ${CREDENTIAL_NAMES[credential]}, ${SOURCES[credentialFrom]}`;
  return [
    ...headingLines(status, activeFrom, look),
    ...outlookLines(status, look),
    ...facts(login),
    ...(status.oauth === null ? [] : issuerFacts(status.oauth).flatMap(facts)),
    ...facts(`endpoint: ${endpoint} (${SOURCES[endpointFrom]})`),
    ...(status.scopes.length === 0 ? ['  tokens: none yet'] : []),
    ...status.scopes.flatMap((scope) => scopeLines(scope, look)),
    ...checkFacts(status.checks ?? []).flatMap(facts),
    ...(lastFailure === null ? [] : failureLines(lastFailure, look)),
    ...(note === null ? [] : facts(note)),
    ...facts(settingsLine(status)),
  ];
}

function headingLines(
  { profile, isActive }: ProfileStatus,
  activeFrom: SettingSource,
  { width, style: { bold, dim } }: StatusLook,
): readonly string[] {
  const heading = `profile ${bold(profile)}`;
  if (!isActive) return [heading];
  const why = `(active, ${SOURCES[activeFrom]})`;
  const isShort = `profile ${profile} ${why}`.length <= width;
  return isShort ? [`${heading} ${dim(why)}`] : [heading, `  ${dim(why)}`];
}

function outlookLines(
  { outlook: { answer, reason, remedy } }: ProfileStatus,
  { width, style }: StatusLook,
): readonly string[] {
  const paint = { yes: style.green, no: style.red, unsure: style.yellow }[answer];
  const text = `tomorrow without you: ${answer}, ${reason}${remedy === null ? '' : `; ${remedy}`}`;
  const [first = '', ...more] = fold(text, { width, indent: 2, hanging: 4 });
  // Painted after it was folded: the codes have no width.
  return [first.replace(`: ${answer},`, `: ${paint(answer)},`), ...more];
}

function scopeLines(
  { scope, state, expiresAt, refreshAt }: ScopeStatus,
  look: StatusLook,
): readonly string[] {
  const { width, nowMs } = look;
  const [endMs, dueMs] = [Date.parse(expiresAt), Date.parse(refreshAt)];
  const end = `${formatDuration(endMs - nowMs)}, until ${dateTime(endMs, nowMs).replace(/^(at|on) /, '')}`;
  const text = {
    fresh: `valid for ${end}; next refresh in ${formatDuration(dueMs - nowMs)}`,
    due: `valid for ${end}; refresh is due now`,
    expired: `expired ${formatDuration(nowMs - endMs)} ago; the next one who needs it refreshes it`,
  }[state];
  return fold(`${scope}: ${state}, ${text}`, { width, indent: 2, hanging: 4 });
}

function failureLines(
  { code, message, at }: NonNullable<ProfileStatus['lastFailure']>,
  { width, nowMs }: StatusLook,
): readonly string[] {
  const ago = formatDuration(Math.max(0, nowMs - Date.parse(at)));
  return [
    ...fold(`last failure: ${ago} ago, ${code}`, { width, indent: 2, hanging: 4 }),
    ...fold(message, { width, indent: 4 }),
  ];
}

/** The settings that somebody made; the others are known. */
function settingsLine({ settings }: ProfileStatus): string {
  const made = Object.entries(settings).filter(([, { from }]) => from !== 'default');
  if (made.length === 0) return 'settings: the defaults';
  const words = made.map(([name, { value, from }]) => {
    const text = name.endsWith('Ms') ? formatDuration(value) : String(value);
    return `${name.replace(/Ms$/, '')} ${text} (${SOURCES[from]})`;
  });
  return `settings: ${words.join(', ')}`;
}

const KEY_SOURCES = { keyring: 'the OS keyring', file: 'the key file', environment: 'KM_CACHE_KEY' } as const;

function cacheLines(
  { kind, keySource, folder, folderFrom, address }: CacheStatus,
  { width }: StatusLook,
): readonly string[] {
  const key = keySource === null ? '' : `, its key from ${KEY_SOURCES[keySource]}`;
  const from = folderFrom === null ? '' : ` (from ${folderFrom})`;
  return [
    ...fold(`cache: ${kind}${key}`, { width, hanging: 2 }),
    ...(address === null ? [] : fold(address, { width, indent: 2 })),
    ...(folder === null ? [] : fold(`${folder}${from}`, { width, indent: 2 })),
  ];
}
