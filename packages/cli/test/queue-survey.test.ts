import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { queueReport } from '../src/queue/queue-report.js';
import { surveyQueue } from '../src/queue/queue-survey.js';
import { contextWith } from './support/context.js';
import { accountFolder, newKeys } from './support/queue.js';

test('what a process left that was killed while it removed a segment is no account', async () => {
  const folder = accountFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '000000000000001-000000000000.position'), Buffer.alloc(28));
  const surveys = await surveyQueue({ root: dirname(folder), keys: newKeys() }, contextWith({}));
  expect(queueReport({ place: undefined, surveys, revocations: 0 })).toMatchObject({
    bytes: 0,
    accounts: [],
  });
});
