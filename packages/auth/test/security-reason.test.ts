import { expect, test } from 'vitest';
import { securityReasonOf } from '../src/security-reason.js';
import { invalidGrant } from './support/failures.js';

test.each([
  ['the refresh token was revoked'],
  ['family revoked: an expired token was presented again'],
  ['an expired token came again, so that the login was revoked'],
])('"%s" is a security event', (said) => {
  expect(securityReasonOf(invalidGrant(said))).toBe('refresh-token-revoked');
});

test.each([
  ['Token has been expired or revoked.'],
  ['the token was revoked or has expired'],
  ['refresh token expired, or has been revoked'],
  ['The provided authorization grant is invalid, expired, revoked, or was issued to another client.'],
  ['the refresh token is expired, invalid or revoked'],
  ['expired/revoked'],
  ['it has expired'],
  ['it is unknown'],
])('"%s" says of no revocation that it was one', (said) => {
  expect(securityReasonOf(invalidGrant(said))).toBeUndefined();
});
