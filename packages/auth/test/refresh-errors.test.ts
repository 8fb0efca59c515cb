import { expect, test } from 'vitest';
import { AuthToken, type GrantRecord } from '../src/index.js';
import { EMPTY_GRANT } from '../src/grant-record.js';
import { assertRested, lifetimeTooShort, unlockableError, unreadableError } from '../src/refresh-errors.js';

const failedAt = (atMs: number): GrantRecord => ({
  ...EMPTY_GRANT,
  notBeforeMs: 60_000,
  lastFailure: { code: 'KM_AUTH_UNREACHABLE', message: 'too many requests', atMs },
});

test('a service that asked for a rest gets it, and the error says how long it lasts and why', () => {
  expect(() => {
    assertRested(failedAt(1_000), 1_000);
  }).toThrow(/left alone for another 59 s; try again then \(too many requests\)$/);
  expect(() => {
    assertRested(failedAt(1_000), 59_999);
  }).toThrow('another 1 s');
  assertRested(failedAt(1_000), 60_000);
});

test('a rest of which nothing more is known is kept all the same, and the error says so', () => {
  expect(() => {
    assertRested({ ...EMPTY_GRANT, notBeforeMs: 60_000 }, 0);
  }).toThrow('(it did not say why)');
});

test('a rest that a wrong clock noted in the future is not kept', () => {
  assertRested(failedAt(1_001), 1_000);
});

test('a rest of more than an hour, as earlier versions noted it, is not kept', () => {
  const rest = (ms: number): GrantRecord => ({ ...failedAt(1_000), notBeforeMs: 1_000 + ms });

  expect(() => {
    assertRested(rest(3_600_000), 1_000);
  }).toThrow('another 3600 s');
  assertRested(rest(3_600_001), 1_000);
});

test('what keeps a refresh from being made says what to do', () => {
  const token = new AuthToken({ value: 't', scopes: [], issuedAtMs: 0, expiresAtMs: 1_000 });

  expect(unlockableError().message).toMatch(/cannot be written, and a refresh .*: make it writable/);
  expect(unreadableError().message).toMatch(/cannot be read, .*: see what is wrong with it/);
  expect(lifetimeTooShort(token, 5_000).message).toMatch(
    /good for 5000 ms .* tokens of 1000 ms: ask for less/,
  );
});
