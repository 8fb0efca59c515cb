import type { Keyring } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { remembering, sharedKeyring } from '../src/shared-keyring.js';
import { contextWith } from './support/context.js';

test('what was found in the keyring is not asked for again, and what was not found is', async () => {
  const entries = new Map<string, Buffer>();
  const asked: string[] = [];
  const keyring: Keyring = {
    get(name) {
      asked.push(name);
      return Promise.resolve(entries.get(name));
    },
    set: (name, secret) => Promise.resolve(entries.set(name, secret).has(name)),
  };
  const one = remembering(keyring);
  expect(await one.get('key')).toBeUndefined();
  await one.set('key', Buffer.from('secret'));
  expect((await one.get('key'))?.toString()).toBe('secret');
  expect((await one.get('key'))?.toString()).toBe('secret');
  expect(asked).toEqual(['key', 'key']);
});

test('commands of one process share the keyring, and those of another home do not', () => {
  const context = contextWith({ HOME: '/one' });
  expect(sharedKeyring({ ...context })).toBe(sharedKeyring(context));
  expect(sharedKeyring(contextWith({ HOME: '/one' }))).not.toBe(sharedKeyring(context));
});
