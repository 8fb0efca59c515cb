import { AuthToken, Secret, type GrantRecord } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { hindranceOf } from '../src/hindrance.js';
import type { Account } from '../src/settings.js';
import { profileStatus, type StatusInput, type StatusReport } from '../src/status/profile-status.js';
import { refreshSettingSources } from '../src/status/setting-sources.js';
import { statusLines } from '../src/status/status-lines.js';
import { dateTime } from '../src/terminal/date-time.js';
import { PLAIN } from '../src/terminal/style.js';

const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

const ACCOUNT: Account = {
  profile: { value: 'work', source: 'flag' },
  endpoint: { value: 'https://api.example', source: 'login' },
  credential: { value: 'api_key', source: 'login' },
  oauth: undefined,
  loggedInAtMs: 0,
  loginCommand: 'km auth login',
  own: { refresh: {} },
  config: {},
  note: undefined,
  unread: undefined,
  isOfNewerKm: false,
};

const BY_HAND: Account = { ...ACCOUNT, credential: { value: 'refresh_token', source: 'login' } };
const NOBODY: Account = { ...ACCOUNT, credential: undefined };

function status(record: Partial<GrantRecord>, more: Partial<StatusInput> = {}) {
  return profileStatus({
    account: ACCOUNT,
    isActive: true,
    record: { tokens: new Map(), unexplainedRequestsAtMs: [], ...record },
    settings: refreshSettingSources({ refresh: {} }, {}),
    nowMs: NOW_MS,
    ...more,
  });
}

/** A token of an hour with this much left. */
function tokens(leftMs: number): GrantRecord['tokens'] {
  const expiresAtMs = NOW_MS + leftMs;
  const fields = { value: 'secret', scopes: ['monitoring'], issuedAtMs: expiresAtMs - HOUR_MS, expiresAtMs };
  return new Map([['monitoring', new AuthToken(fields)]]);
}

function refreshToken(more: Partial<NonNullable<GrantRecord['refreshToken']>> = {}) {
  return { refreshToken: { secret: new Secret('secret'), issuedAtMs: NOW_MS, ...more } };
}

function failure(code: string) {
  return { lastFailure: { code, message: 'it says why', atMs: NOW_MS - 60_000 } };
}

describe('a token', () => {
  test.each([
    ['fresh', 30 * 60_000],
    ['due', 4 * 60_000],
    ['expired', 2_000],
    ['expired', -60_000],
  ])('is %s with %i ms left', (state, leftMs) => {
    expect(status({ tokens: tokens(leftMs) }).scopes).toEqual([
      {
        scope: 'monitoring',
        state,
        expiresAt: new Date(NOW_MS + leftMs).toISOString(),
        refreshAt: new Date(NOW_MS + leftMs - 300_000).toISOString(),
      },
    ]);
  });
});

describe('tomorrow, without anybody', () => {
  const DAYS_MS = 3 * 24 * HOUR_MS;

  test.each<[string, 'yes' | 'no' | 'unsure', Partial<GrantRecord>, Account]>([
    ['an API key wins new tokens', 'yes', {}, ACCOUNT],
    ['nobody is logged in', 'no', {}, NOBODY],
    ['a login renews itself', 'yes', refreshToken(), BY_HAND],
    ['a login has lost its refresh token', 'no', {}, BY_HAND],
    [
      'a login ends in days',
      'yes',
      refreshToken({ expiresAtMs: NOW_MS + DAYS_MS, isEndFixed: true }),
      BY_HAND,
    ],
    ['a login ends today', 'no', refreshToken({ expiresAtMs: NOW_MS + HOUR_MS, isEndFixed: true }), BY_HAND],
    [
      'a login ends today unless it is renewed',
      'unsure',
      refreshToken({ expiresAtMs: NOW_MS + HOUR_MS }),
      BY_HAND,
    ],
    ['a login should have ended', 'unsure', refreshToken({ expiresAtMs: NOW_MS - HOUR_MS }), BY_HAND],
    ['the API cannot be reached', 'unsure', failure('KM_AUTH_UNREACHABLE'), ACCOUNT],
    ['the API key is refused', 'no', failure('KM_AUTH_LOGIN_REQUIRED'), ACCOUNT],
    ['the API says 403', 'no', failure('KM_AUTH_CONFIGURATION'), ACCOUNT],
  ])('when %s: %s', (_, answer, record, account) => {
    const { outlook } = status(record, { account });
    expect(outlook.answer).toBe(answer);
    if (answer !== 'yes') expect(outlook.remedy).not.toBeNull();
  });

  test('what helps is for the profile that was asked about', () => {
    const ending = refreshToken({ expiresAtMs: NOW_MS + HOUR_MS });
    expect(status(ending, { account: BY_HAND }).outlook.remedy).toBe('run km auth refresh --profile work');
  });

  test('where the key of the login is refused, what helps is another one, and no login helps one of the environment', () => {
    const inEnvironment: Account = { ...ACCOUNT, credential: { value: 'api_key', source: 'environment' } };
    const another = 'log in with another key: km auth login --api-key-stdin --profile work';
    const remedyOf = (code: string, account = ACCOUNT) => status(failure(code), { account }).outlook.remedy;
    expect(remedyOf('KM_AUTH_LOGIN_REQUIRED')).toBe(another);
    expect(remedyOf('KM_AUTH_CONFIGURATION')).toBe(`do what the last failure says, or ${another}`);
    expect(remedyOf('KM_AUTH_CONFIGURATION', inEnvironment)).toBe('do what the last failure says');
    expect(remedyOf('KM_AUTH_CONFIGURATION', BY_HAND)).toBe('do what the last failure says');
  });

  test('where tokens stay in memory, what helps a login at another issuer is no API key', () => {
    const oauth = { kind: 'oauth' } as Account['oauth'];
    const remedyOf = (account: Account) => hindranceOf(account, { whyMemory: 'it is off' })?.remedy;
    expect(remedyOf(BY_HAND)).toBe('unset it, or set KILOMETERS_API_KEY');
    expect(remedyOf({ ...BY_HAND, oauth })).toBe('unset it');
    expect(remedyOf(ACCOUNT)).toBeUndefined();
  });

  test('a login that should have ended is tried once more, and whoever asks is told so', () => {
    const ended = refreshToken({ expiresAtMs: NOW_MS - HOUR_MS });
    expect(status(ended, { account: BY_HAND }).outlook).toEqual({
      answer: 'unsure',
      reason: 'the login should have ended 60 m ago; the next refresh tries it and finds out',
      remedy: 'run km auth refresh --profile work',
    });
  });

  test('a login that ends today still refreshes now, and one that should have ended may not', () => {
    const ending = refreshToken({ expiresAtMs: NOW_MS + HOUR_MS, isEndFixed: true });
    expect(status(ending, { account: BY_HAND })).toMatchObject({
      refreshesWithoutHuman: true,
      refreshesUntil: new Date(NOW_MS + HOUR_MS).toISOString(),
      isEndFixed: true,
    });
    const ended = refreshToken({ expiresAtMs: NOW_MS - HOUR_MS });
    expect(status(ended, { account: BY_HAND }).refreshesWithoutHuman).toBe(false);
  });

  test('the end of a refresh token is no end where an API key takes over', () => {
    const record = refreshToken({ expiresAtMs: NOW_MS + HOUR_MS });
    expect(status(record)).toMatchObject({ refreshesUntil: null, outlook: { answer: 'yes' } });
  });
});

test('each setting says where it came from: the environment, then the profile, then the default', () => {
  const own = { refresh: { refreshAheadMs: 1, maxRetries: 2 } };
  const settings = refreshSettingSources(own, { KM_REFRESH_AHEAD: '7m' });
  expect(status({}, { settings }).settings).toMatchObject({
    refreshAheadMs: { value: 420_000, from: 'environment' },
    maxRetries: { value: 2, from: 'config' },
    checkIntervalMs: { value: 60_000, from: 'default' },
  });
});

test.each([40, 80])('no line is wider than %i columns, whatever is told', (width) => {
  const message = 'the service cannot be reached because '.repeat(10);
  const profile = status({
    tokens: tokens(HOUR_MS),
    lastFailure: { code: 'KM_AUTH_UNREACHABLE', message, atMs: NOW_MS - HOUR_MS },
  });
  const report: StatusReport = {
    active: 'work',
    activeFrom: 'flag',
    profiles: [{ ...profile, note: message }],
    cache: {
      kind: 'file',
      keySource: 'file',
      folder: '/home/x/.config/kilometers',
      folderFrom: 'KM_CONFIG_DIR',
      address: null,
    },
  };
  const lines = statusLines(report, { width, style: PLAIN, nowMs: NOW_MS });
  const text = lines.join(' ').replace(/\s+/g, ' ');
  expect(text).toContain('monitoring: fresh, valid for 60 m, until');
  expect(text).toContain('next refresh in 55 m');
  expect(text).toContain('last failure: 60 m ago, KM_AUTH_UNREACHABLE');
  expect(lines.filter((line) => line.length > width)).toEqual([]);
});

test('a time is told with its day where it is another one', () => {
  expect(dateTime(NOW_MS + HOUR_MS, NOW_MS)).toMatch(/^at \d\d:\d\d$/);
  expect(dateTime(NOW_MS + 72 * HOUR_MS, NOW_MS)).toMatch(/^on 2023-11-1\d at \d\d:\d\d$/);
});
