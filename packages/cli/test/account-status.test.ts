import { AuthToken, type GrantRecord } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { statusLines, statusOf, type StatusInput } from '../src/account-status.js';
import type { Account } from '../src/settings.js';

const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

const ACCOUNT: Account = {
  profile: { value: 'work', source: 'flag' },
  endpoint: { value: 'https://api.example', source: 'login' },
  credential: { value: 'api_key', source: 'login' },
  loginCommand: 'km auth login',
  own: { refresh: {} },
  config: {},
  note: undefined,
};

const KEY = { apiOrigin: 'https://api.example', profile: 'work', credential: 'key:00000000' };

function status(record: Partial<GrantRecord>, more: Partial<StatusInput> = {}) {
  const grant: GrantRecord = { tokens: new Map(), unexplainedRequestsAtMs: [], ...record };
  return statusOf({
    account: ACCOUNT,
    grants: [{ key: KEY, record: grant }],
    cache: { kind: 'file', keySource: 'file', folder: '/home/someone/.config/kilometers' },
    refreshAheadMs: 300_000,
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

test('without a credential nothing is refreshed without a human', () => {
  const account = { ...ACCOUNT, credential: undefined };
  expect(status({}, { account })).toMatchObject({ credential: null, refreshesWithoutHuman: false });
});

test('no line is wider than 80 columns, whatever is told', () => {
  const message = 'the service cannot be reached because '.repeat(10);
  const all = status({
    tokens: tokens(HOUR_MS),
    lastFailure: { code: 'KM_AUTH_UNREACHABLE', message, atMs: 0 },
  });
  const lines = statusLines({ ...all, note: message }, NOW_MS);
  expect(lines.join('\n')).toContain('monitoring: fresh, expires in 60 m, refresh in 55 m');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});
