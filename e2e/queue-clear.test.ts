import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, environment, runKm } from './support/km.js';
import { numbersTo, startSession, storedNumbers } from './support/queue-session.js';
import { until } from './support/until.js';

/** All that is in a folder; nothing for now where something went away while it was read. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

test('clear leaves what a session keeps that runs and cannot tell whose it is: all of it is delivered', async () => {
  const [api, folder] = [await startApi(), temporaryFolder()];
  const config = join(folder, 'config.json');
  writeFileSync(config, 'garbage', { mode: 0o600 });
  const env = environment({
    KM_CONFIG_DIR: folder,
    KILOMETERS_API_ENDPOINT: api.url,
    KILOMETERS_API_KEY: API_KEY,
  });
  const session = startSession(env, 'unsettled');
  await session.send(3);
  const queue = join(folder, 'state', 'queue');
  await until('what passed to be on the disk', () =>
    namesIn(folder).some((name) => join(folder, name).startsWith(queue) && name.endsWith('.prelude')),
  );
  expect(await runKm(['queue', 'clear', '--json'], { env })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"events": 0') as string,
  });
  await session.send(3);
  await session.end();
  expect(await session.km.ended).toEqual({ code: 0, signal: null });

  writeFileSync(config, '{}');
  const { stdout } = await runKm(['queue', 'flush', '--json'], { env });
  expect(JSON.parse(stdout)).toMatchObject({ delivered: 12, waiting: 0, failure: null });
  for (const direction of ['outbound', 'inbound'] as const) {
    expect(storedNumbers(api, 'unsettled', direction)).toEqual(numbersTo(6));
  }
}, 120_000);

test('clear gives up what is of the profile that is named, be it by KM_PROFILE', async () => {
  const env = environment({ KILOMETERS_API_ENDPOINT: 'http://127.0.0.1:9', KILOMETERS_API_KEY: API_KEY });
  const session = startSession(env, 'kept');
  await session.send(1);
  await session.end();
  await session.km.ended;
  const clear = ['queue', 'clear', '--yes', '--json'];
  const other = await runKm(clear, { env: { ...env, KM_PROFILE: 'other' } });
  expect(JSON.parse(other.stdout)).toMatchObject({ events: 0 });
  expect(JSON.parse((await runKm(clear, { env })).stdout)).toMatchObject({ events: 2 });
});
