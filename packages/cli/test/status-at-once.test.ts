import { expect, test } from 'vitest';
import { plainStatusFlags } from '../src/status-at-once.js';

test.each([
  ['', {}],
  ['--json', { json: true }],
  ['--profile work --check', { profile: 'work', check: true }],
  ['--watch --endpoint=https://x.example', { watch: true, endpoint: 'https://x.example' }],
])('km auth status %s needs no other parser', (line, flags) => {
  const words = line.split(' ').filter((word) => word !== '');
  expect(plainStatusFlags(words)).toEqual({ json: false, check: false, watch: false, ...flags });
});

test.each(['--help', '--', 'work', '--json=yes', '--json --json', '--profile', '--profile --json', '--jso'])(
  'km auth status %s is for the parser of all of km',
  (line) => {
    expect(plainStatusFlags(line.split(' '))).toBeUndefined();
  },
);
