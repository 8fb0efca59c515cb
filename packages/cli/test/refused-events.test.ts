import { systemClock } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { clearQueue } from '../src/queue/clear-queue.js';
import { RefusedEvents } from '../src/queue/refused-events.js';
import { countEvents, listSegments } from '../src/queue/segment-folder.js';
import { segmentPath } from '../src/queue/segment-name.js';
import { eventNamed } from './support/events.js';
import { accountFolder, newKeys } from './support/queue.js';

test('a refused event is set aside also after what was set aside before was removed', async () => {
  const folder = accountFolder();
  const keys = newKeys();
  const refused = new RefusedEvents({ keys, clock: systemClock });
  const place = { folder, account: { profile: 'default', origin: 'https://api.example' } };
  const kept = async () => {
    const files = await listSegments(folder);
    const counts = await Promise.all(files.map((file) => countEvents(segmentPath(file))));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  for (const id of ['1', '2']) expect(await refused.keep(eventNamed(id), place)).toBe(true);
  expect(await clearQueue([folder], { keys, clock: systemClock, random: () => 1 })).toMatchObject({
    refused: 2,
  });
  for (const id of ['3', '4', '5']) expect(await refused.keep(eventNamed(id), place)).toBe(true);
  expect(await kept()).toBe(3);
  await refused.close();
  expect(await kept()).toBe(3);
});
