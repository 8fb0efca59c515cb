import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Secret, systemClock } from '@kilometers/auth';
import { startLocalApi, type RunningLocalApi } from '@kilometers/local-api';
import { expect, onTestFinished, test } from 'vitest';
import {
  addPendingRevocation,
  countPendingRevocations,
  deliverPendingRevocations as deliverAndTell,
} from '../src/queue/pending-revocations.js';
import type { CommandContext } from '../src/command-context.js';
import { contextWith, temporaryFolder } from './support/context.js';

const DAY_MS = 24 * 3_600_000;
const token = (text: string, kind: 'refresh_token' | 'access_token' = 'refresh_token') => ({
  token: new Secret(text),
  kind,
});

async function startApi(): Promise<{ readonly api: RunningLocalApi; readonly revocations: () => number }> {
  let requests = 0;
  const api = await startLocalApi({
    onEvent: (event) => {
      if (event.type === 'request' && event.path === '/api/auth/revoke') requests += 1;
    },
  });
  onTestFinished(() => api.close());
  return { api, revocations: () => requests };
}

/** How many were delivered, and wait. */
async function deliverPendingRevocations(context: CommandContext) {
  const { delivered, waiting } = await deliverAndTell(context);
  return { delivered, waiting: waiting.size };
}

function start() {
  const home = temporaryFolder();
  const folder = join(home, '.local/state/kilometers/queue/revocations');
  const files = () => readdirSync(folder).filter((name) => !name.startsWith('.'));
  return { home, folder, files, context: contextWith({ HOME: home }) };
}

test('a revocation waits, sealed, until the API can be told, and is gone then', async () => {
  const { context, folder, files } = start();
  const { api, revocations } = await startApi();
  await addPendingRevocation(
    { apiEndpoint: api.url, tokens: [token('refresh-me'), token('access-me', 'access_token')] },
    context,
  );
  const [file = ''] = files();
  expect(readFileSync(join(folder, file), 'latin1')).not.toMatch(/-me|127\.0\.0\.1/);
  expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);

  api.trouble.add('path=/api/auth/revoke,status=503');
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 0, waiting: 1 });
  expect(revocations()).toBe(1);
  expect(await countPendingRevocations(context)).toBe(1);
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 1, waiting: 0 });
  expect(revocations()).toBe(3);
  expect(files()).toEqual([]);
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 0, waiting: 0 });
});

test('a revocation that a captive portal answers waits on', async () => {
  const { context, files } = start();
  const { api, revocations } = await startApi();
  await addPendingRevocation({ apiEndpoint: api.url, tokens: [token('t')] }, context);
  api.trouble.add('path=/api/auth/revoke,body=html');
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 0, waiting: 1 });
  expect(files()).toHaveLength(1);
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 1, waiting: 0 });
  expect(revocations()).toBe(2);
});

test('one API that does not answer keeps no other from being told', async () => {
  const { context } = start();
  const { api, revocations } = await startApi();
  const down = await startApi();
  await down.api.close();
  for (const apiEndpoint of [down.api.url, api.url, down.api.url]) {
    await addPendingRevocation({ apiEndpoint, tokens: [token('t')] }, context);
  }
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 1, waiting: 2 });
  expect(revocations()).toBe(1);
});

test('an issuer that does not answer keeps no other from being told whose tokens go to the same API', async () => {
  const { context } = start();
  const { api, revocations } = await startApi();
  const oauth = { provider: { issuer: 'http://127.0.0.1:9', clientId: 'cli', login: 'browser' } };
  await addPendingRevocation({ apiEndpoint: api.url, oauth, tokens: [token('t')] }, context);
  await addPendingRevocation({ apiEndpoint: api.url, tokens: [token('t')] }, context);
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 1, waiting: 1 });
  expect(revocations()).toBe(1);
});

test('an API that never answers is told for 30 days, and for as long again once the clock says that they are over', async () => {
  const { context, home, files } = start();
  await addPendingRevocation({ apiEndpoint: 'http://127.0.0.1:9', tokens: [token('t')] }, context);
  const later = (days: number) =>
    contextWith({ HOME: home }, { clock: { ...systemClock, nowMs: () => Date.now() + days * DAY_MS } });
  expect(await deliverPendingRevocations(later(29))).toEqual({ delivered: 0, waiting: 1 });
  for (const days of [31, 32, 60]) {
    expect(await deliverPendingRevocations(later(days))).toEqual({ delivered: 0, waiting: 1 });
  }
  expect(await deliverPendingRevocations(later(62))).toEqual({ delivered: 0, waiting: 0 });
  expect(files()).toEqual([]);
});

test('one that was begun before the clock was put right by years is told', async () => {
  const { context, folder, files } = start();
  const { api, revocations } = await startApi();
  await addPendingRevocation({ apiEndpoint: api.url, tokens: [token('t')] }, context);
  const begunLongAgo = join(folder, '000000003600000-000000000000.closed');
  renameSync(join(folder, files()[0] ?? ''), begunLongAgo);
  utimesSync(begunLongAgo, 3_600, 3_600);
  api.trouble.add('path=/api/auth/revoke,status=503,count=2');
  for (let tries = 0; tries < 2; tries += 1) {
    expect(await deliverPendingRevocations(context)).toEqual({ delivered: 0, waiting: 1 });
  }
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 1, waiting: 0 });
  expect(revocations()).toBe(3);
});

test('what is damaged is dropped, and what is beside it delivered', async () => {
  const { context, folder, files } = start();
  const { api } = await startApi();
  await addPendingRevocation({ apiEndpoint: api.url, tokens: [token('t')] }, context);
  const [file = ''] = files();
  const bytes = readFileSync(join(folder, file));
  await addPendingRevocation({ apiEndpoint: api.url, tokens: [token('t')] }, context);
  for (let cut = 0; cut < bytes.length; cut += 7) {
    writeFileSync(
      join(folder, `${String(cut).padStart(15, '0')}-000000000000.closed`),
      bytes.subarray(0, cut),
    );
  }
  writeFileSync(join(folder, file), Buffer.alloc(5_000, 7));
  const { waiting } = await deliverPendingRevocations(context);
  expect(waiting).toBe(0);
  expect(files()).toEqual([]);
});

test('one that another folder has the key of is left to who has it, and not waited for', async () => {
  const { context, home, files } = start();
  const { api, revocations } = await startApi();
  await addPendingRevocation({ apiEndpoint: api.url, tokens: [token('t')] }, context);
  const elsewhere = contextWith({ HOME: home, KM_CONFIG_DIR: temporaryFolder() });
  elsewhere.environment['XDG_STATE_HOME'] = join(home, '.local/state');
  expect(await deliverPendingRevocations(elsewhere)).toEqual({ delivered: 0, waiting: 0 });
  expect(await countPendingRevocations(elsewhere)).toBe(0);
  expect(await countPendingRevocations(context)).toBe(1);
  expect(files()).toHaveLength(1);
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 1, waiting: 0 });
  expect(revocations()).toBe(1);
});

test('one that cannot be read now waits', async () => {
  const { context, folder } = start();
  const { api } = await startApi();
  await addPendingRevocation({ apiEndpoint: api.url, tokens: [token('t')] }, context);
  mkdirSync(join(folder, '000000000000001-000000000000.closed'));
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 1, waiting: 1 });
});

test('two processes do not tell the same at once', async () => {
  const { context, home } = start();
  const { api, revocations } = await startApi();
  await addPendingRevocation({ apiEndpoint: api.url, tokens: [token('t')] }, context);
  const all = await Promise.all(
    Array.from({ length: 5 }, () => deliverPendingRevocations(contextWith({ HOME: home }))),
  );
  expect(all.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(1);
  expect(revocations()).toBe(1);
});

test('without a home it says that nothing can be kept', async () => {
  const context = contextWith({ HOME: '/dev/null/no' });
  await expect(
    addPendingRevocation({ apiEndpoint: 'https://api.example', tokens: [token('t')] }, context),
  ).rejects.toThrow(/cannot be/);
  expect(await deliverPendingRevocations(context)).toEqual({ delivered: 0, waiting: 0 });
});
