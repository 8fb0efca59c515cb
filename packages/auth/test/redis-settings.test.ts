import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createRedisCache } from '../src/index.js';

const key = randomBytes(32).toString('base64');

test.each([
  ['not a URL', 'secret-word'],
  ['of something else', 'https://:secret-word@redis.example'],
  ['with a database that is no number', 'redis://:secret-word@redis.example/secret-word'],
  ['with something after it', 'redis://:secret-word@redis.example/0?password=secret-word'],
  ['with a broken password', 'redis://:secret-word%@redis.example'],
])('an address %s is refused, and not repeated: it may have a password', (_, url) => {
  const make = (): unknown => createRedisCache({ url, key });
  expect(make).toThrow(/redis:\/\/HOST:6379\/0/);
  expect(make).not.toThrow(/secret-word/);
});

test.each([
  ['none', ''],
  ['too short', randomBytes(16).toString('base64')],
  ['not base64', 'x'.repeat(44)],
  ['hex', randomBytes(32).toString('hex')],
])('a key that is %s is refused, with the command that makes one', (_, wrong) => {
  const make = (): unknown => createRedisCache({ url: 'redis://127.0.0.1', key: wrong });
  expect(make).toThrow(/KM_CACHE_KEY.*openssl rand -base64 32/);
  if (wrong !== '') expect(make).not.toThrow(new RegExp(wrong.slice(0, 12).replaceAll('+', '\\+')));
});
