import { describe, expect, test } from 'vitest';
import { formatDuration, parseDurationMs } from '../src/index.js';

describe('a duration', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['1.5s', 1_500],
    ['45', 45_000],
    [' 2m ', 120_000],
    ['0', 0],
  ])('written %j is read', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test.each(['', 'm', '5 m', '-5s', '5x', '5m!', '1e3s', 'Infinity', '.5s', '5m-1s'])(
    'written %j is none',
    (text) => {
      expect(parseDurationMs(text)).toBeUndefined();
    },
  );

  test.each([
    [-5, '0 ms'],
    [120, '120 ms'],
    [1_400, '1.4 s'],
    [45_000, '45 s'],
    [180_000, '3 m'],
    [7_500_000, '2 h 5 m'],
    [3 * 86_400_000, '3 d'],
  ])('of %d ms is told as people say it', (ms, said) => {
    expect(formatDuration(ms)).toBe(said);
  });
});
