import { AuthError, type AuthErrorCode } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { CliError } from '../src/cli-error.js';
import { exitCodeFor } from '../src/exit-code.js';
import { reportOf } from '../src/failure-report.js';

describe('the exit code', () => {
  test.each<[AuthErrorCode, number]>([
    ['KM_AUTH_LOGIN_REQUIRED', 4],
    ['KM_AUTH_UNREACHABLE', 75],
    ['KM_AUTH_STORM', 75],
    ['KM_AUTH_LOCK_TIMEOUT', 75],
    ['KM_AUTH_INVALID_OPTION', 2],
    ['KM_AUTH_CONFIGURATION', 1],
  ])('after %s is %i', (code, exitCode) => {
    const error = new AuthError(code, 'a reason');
    expect(exitCodeFor(error)).toBe(exitCode);
    expect(error.isRetryable).toBe(exitCode === 75);
  });

  test('is what a failure of the command line brings with it', () => {
    expect(exitCodeFor(new CliError('not found', { exitCode: 127 }))).toBe(127);
  });

  test('after anything else is 1', () => {
    expect(exitCodeFor(new Error('?'))).toBe(1);
    expect(exitCodeFor(undefined)).toBe(1);
  });
});

describe('the report of a failure', () => {
  test('is one line, without a stack', () => {
    expect(reportOf(new AuthError('KM_AUTH_LOGIN_REQUIRED', 'log in first'), false)).toBe('km: log in first');
    expect(reportOf(new Error('odd'), false)).toBe('km: odd (run it again with KM_DEBUG=true to see where)');
  });

  test('has the stack and the cause with KM_DEBUG=true', () => {
    const report = reportOf(new Error('odd', { cause: new Error('deeper') }), true);
    expect(report).toMatch(/\n\s+at /);
    expect(report).toContain('deeper');
  });
});
