import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Secret } from '../src/index.js';

describe('a secret', () => {
  test('gives its text to reveal only', () => {
    const secret = new Secret('km_live_abc');

    expect(secret.reveal()).toBe('km_live_abc');
    expect([String(secret), JSON.stringify([secret]), inspect(secret)]).toEqual([
      '[redacted]',
      '["[redacted]"]',
      '[redacted]',
    ]);
    expect(inspect(secret, { customInspect: false, showHidden: true })).not.toContain('km_live_abc');
  });

  test('is named by fingerprint, the same for the same text', () => {
    expect(new Secret('abc').fingerprint).toBe('ba7816bf');
    expect(new Secret('abd').fingerprint).not.toBe('ba7816bf');
  });

  test('made from a secret is that secret', () => {
    const secret = new Secret('a');

    expect(Secret.from(secret)).toBe(secret);
    expect(Secret.from('a').reveal()).toBe('a');
  });
});
