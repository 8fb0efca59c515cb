import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Secret, systemClock } from '@kilometers/auth';
import { expect, onTestFinished, test } from 'vitest';
import {
  addPendingRevocation,
  countPendingRevocations,
  deliverPendingRevocations,
} from '../src/queue/pending-revocations.js';
import { contextWith, temporaryFolder } from './support/context.js';

/** Somebody who tells an API, or an issuer that ends no tokens, which answers once it is let go; and another one who has just noted something. */
async function startBoth({ isIssuer = false } = {}) {
  const home = temporaryFolder();
  const context = contextWith({ HOME: home });
  let letGo = (): void => undefined;
  const isLetGo = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    const body = isIssuer ? { issuer: url(), token_endpoint: `${url()}/token` } : {};
    void isLetGo.then(() =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    );
  });
  const url = () => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const provider = { issuer: url(), clientId: 'cli', login: 'browser' };
  const pending = {
    apiEndpoint: url(),
    ...(isIssuer && { oauth: { provider } }),
    tokens: [{ token: new Secret('t'), kind: 'refresh_token' as const }],
  };
  await addPendingRevocation(pending, context);
  const first = deliverPendingRevocations(context);
  await once(server, 'request');
  let onWait = (): void => undefined;
  let elapsedMs = 0;
  const own = contextWith(
    { HOME: home },
    {
      clock: {
        ...systemClock,
        monotonicMs: () => elapsedMs,
        schedule(callback, delayMs) {
          elapsedMs += delayMs;
          onWait();
          setImmediate(callback);
          return () => undefined;
        },
      },
    },
  );
  const name = await addPendingRevocation(pending, own);
  const isWaiting = new Promise<void>((resolve) => {
    onWait = resolve;
  });
  return { context, first, letGo, isWaiting, own, name, requests: () => requests };
}

test('what is noted meanwhile is told as well, and who noted it waits for that', async () => {
  const { context, first, letGo, isWaiting, own, name, requests } = await startBoth();
  const second = deliverPendingRevocations(own, { own: new Set([name]) });
  await isWaiting;
  letGo();
  const [by, of] = await Promise.all([first, second]);
  expect(by.delivered + of.delivered).toBe(2);
  expect([...by.waiting, ...of.waiting]).toEqual([]);
  expect(requests()).toBe(2);
  expect(await countPendingRevocations(context)).toBe(0);
});

test('who does not wait any longer says that it waits', async () => {
  const { first, letGo, isWaiting, own, name } = await startBoth();
  const giveUp = new AbortController();
  void isWaiting.then(() => giveUp.abort());
  const { delivered, waiting } = await deliverPendingRevocations(own, {
    own: new Set([name]),
    signal: giveUp.signal,
  });
  expect({ delivered, isOurs: waiting.has(name) }).toEqual({ delivered: 0, isOurs: true });
  letGo();
  await first;
});

test('it is waited for for a while only', async () => {
  const { first, letGo, own, name, requests } = await startBoth();
  const { delivered, waiting } = await deliverPendingRevocations(own, { own: new Set([name]) });
  expect(delivered).toBe(0);
  expect(waiting).toContain(name);
  letGo();
  expect(await first).toMatchObject({ delivered: 2 });
  expect(requests()).toBe(2);
});

test('who noted nothing does not wait', async () => {
  const { first, letGo, isWaiting, own } = await startBoth();
  let hasWaited = false;
  void isWaiting.then(() => (hasWaited = true));
  expect((await deliverPendingRevocations(own)).waiting.size).toBe(2);
  expect(hasWaited).toBe(false);
  letGo();
  await first;
});

test('who noted what can never be told hears why', async () => {
  const { context, first, letGo, isWaiting, own, name } = await startBoth({ isIssuer: true });
  const second = deliverPendingRevocations(own, { own: new Set([name]) });
  await isWaiting;
  letGo();
  const [, { untold }] = await Promise.all([first, second]);
  expect(untold.get(name)).toContain('revoc');
  expect(await countPendingRevocations(context)).toBe(1);
});
