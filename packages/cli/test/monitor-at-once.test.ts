import { expect, test } from 'vitest';
import { plainMonitorCall } from '../src/monitor-at-once.js';

const off = { verbose: false, summary: false, local: false, passEnv: false };

test.each([
  ['-- node server.js', ['node', 'server.js'], {}],
  ['--server -- node server.js', ['node', 'server.js'], {}],
  [
    '--server --verbose --summary --local --pass-env -- s',
    ['s'],
    { verbose: true, summary: true, local: true, passEnv: true },
  ],
  [
    '--profile work --endpoint=https://a.example --log file -- s',
    ['s'],
    { profile: 'work', endpoint: 'https://a.example', log: 'file' },
  ],
  // What comes after "--" is the server's.
  ['--server -- s --verbose -- --local', ['s', '--verbose', '--', '--local'], {}],
] as const)('km monitor %s needs no parser', (line, command, flags) => {
  expect(plainMonitorCall(line.split(' '))).toEqual({ command, flags: { ...off, ...flags } });
});

test.each([
  '',
  '--',
  'node server.js',
  '--server node server.js',
  'node server.js -- --flag',
  '--print-config claude -- s',
  '--redact params.password -- s',
  '--max-payload 1MiB -- s',
  '--profile -- s',
  '--profile --log -- s',
  '--local --local -- s',
  '--unknown -- s',
  '-v -- s',
  '--server=yes -- s',
])('km monitor %s is for the parser', (line) => {
  expect(plainMonitorCall(line === '' ? [] : line.split(' '))).toBeUndefined();
});
