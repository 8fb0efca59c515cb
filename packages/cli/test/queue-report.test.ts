import { expect, test } from 'vitest';
import { queueLines, type QueueReport } from '../src/queue/queue-report.js';

const NOW_MS = Date.parse('2026-06-01T12:00:00Z');

function reportOf(retryAt: string): QueueReport {
  return {
    ...{
      folder: '/queue',
      bytes: 2_048,
      maxBytes: 1_048_576,
      maxAgeSeconds: 86_400,
      waiting: 3,
      revocations: 0,
    },
    accounts: [
      {
        ...{
          profile: 'default',
          endpoint: 'https://api.example',
          waiting: 3,
          refused: 0,
          corruptFiles: 0,
          bytes: 2_048,
        },
        oldestAt: '2026-06-01T11:59:00Z',
        deliveredBy: null,
        lastFailure: { reason: 'HTTP 503', at: '2026-06-01T11:59:30Z', retryAt },
      },
    ],
  };
}

test.each([
  ['2026-06-01T12:00:29.200Z', 'the next one is in 30 s'],
  ['2026-06-01T12:00:00Z', 'the next one is due'],
  ['2026-06-01T11:00:00Z', 'the next one is due'],
])('people are told when the next try is: %s', (retryAt, words) => {
  expect(queueLines(reportOf(retryAt), NOW_MS)).toEqual([
    '3 events in /queue: 2 KiB of 1 MiB, kept for at most 24 h 0 m',
    'profile default, for https://api.example: 3 events, the oldest from 60 s ago',
    `  last try failed: HTTP 503; ${words}`,
  ]);
});
