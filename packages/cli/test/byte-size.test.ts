import { expect, test } from 'vitest';
import { parseBytes } from '../src/byte-size.js';

test.each([
  ['0', 0],
  ['4096', 4_096],
  ['512k', 524_288],
  ['512KiB', 524_288],
  ['1m', 1_048_576],
  ['1 MB', 1_048_576],
  ['256MiB', 268_435_456],
  [' 2gib ', 2_147_483_648],
])('%j is a size', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each(['', 'much', '-1', '1.5m', '1t', 'MiB', '1 mi b', '0x10'])('%j is none', (text) => {
  expect(parseBytes(text)).toBeUndefined();
});
