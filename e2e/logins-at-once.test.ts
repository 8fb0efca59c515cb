import type { ApiEvent } from '@kilometers/local-api';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { answerOnPage, userCodeIn } from './support/device-page.js';
import { environment, runKm, startKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, startWebLogin, WEB } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { until } from './support/until.js';
import { WebPerson } from './support/web-person.js';

test('of two device logins of one profile at once one stays, and the other is ended at the API', async () => {
  const events: ApiEvent[] = [];
  const api = await startApi({ deviceIntervalSeconds: 1, onEvent: (event) => events.push(event) });
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  const both = [0, 1].map(() => startKm(['auth', 'login', '--device'], env));
  await Promise.all(
    both.map(async (km) => {
      await answerOnPage(api, await until('the code', () => userCodeIn(km.stderr()) ?? ''), 'approve');
      expect(await km.ended).toMatchObject({ code: 0 });
    }),
  );
  expect(events.filter(({ type }) => type === 'family.revoked')).toHaveLength(1);
  expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
});

test('of two logins at another issuer at once one stays, and the other is gone from here', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const env = environment();
  const both = await Promise.all([0, 1].map(() => startWebLogin([...at(server), ...WEB], env)));
  await Promise.all(
    both.map(async ({ km, link }) => {
      await new WebPerson().answer(link);
      expect(await km.ended).toMatchObject({ code: 0 });
    }),
  );
  expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
  expect(server.revoked()).toBe(0);
  expect(await runKm(['auth', 'logout'], { env })).toMatchObject({ code: 0 });
  expect(server.revoked()).toBe(1);
});
