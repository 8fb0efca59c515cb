import type { AuthEvent, AuthEventListener, AuthManager } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { tellEvents } from '../src/open-auth-manager.js';
import { contextWith } from './support/context.js';

const BASE = { profile: 'default', atMs: 0 };

/** What a user is told of these events. */
function toldOf(
  events: readonly AuthEvent[],
  environment: Readonly<Record<string, string>> = {},
): readonly string[] {
  const listeners: AuthEventListener[] = [];
  const subscribe: AuthManager['subscribe'] = (listener) => {
    listeners.push(listener);
    return () => undefined;
  };
  const context = contextWith(environment);
  tellEvents({ subscribe } as AuthManager, context);
  for (const event of events) for (const listener of listeners) listener(event);
  return context.told;
}

const revoked = (token: string): AuthEvent => ({
  ...BASE,
  type: 'security.event',
  reason: 'token-revoked',
  message: `the API says that token ${token} was revoked`,
});
const failed = (path: string): AuthEvent => ({
  ...BASE,
  type: 'cache.failed',
  operation: 'write',
  message: `no space for ${path}`,
});

const recovered: AuthEvent = { ...BASE, type: 'cache.recovered' };

test('each revocation is told, once', () => {
  expect(toldOf([revoked('one'), revoked('other'), revoked('other')])).toEqual([
    'km: the API says that token one was revoked',
    'km: the API says that token other was revoked',
  ]);
});

test('a storage that fails is told once, and once more after it has worked', () => {
  expect(toldOf([failed('a'), failed('b'), recovered, failed('c'), failed('d')])).toEqual([
    'km: tokens stay in memory: no space for a',
    'km: tokens stay in memory: no space for c',
  ]);
});

test('who refreshes for a session tells what that does not see itself', () => {
  const events = [failed('a'), revoked('one')];
  expect(toldOf(events, { KM_REFRESH_APART: 'session' })).toEqual([
    'km: the API says that token one was revoked',
  ]);
  expect(toldOf(events, { KM_REFRESH_APART: '1' })).toHaveLength(2);
});
