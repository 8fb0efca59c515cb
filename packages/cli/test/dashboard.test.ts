import { EventEmitter } from 'node:events';
import { request, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startDashboard } from '../src/dashboard/dashboard-server.js';
import { LiveState } from '../src/dashboard/live-state.js';
import { contextWith, temporaryFolder } from './support/context.js';
import { FakeClock } from './support/fake-clock.js';

function someone() {
  const clock = new FakeClock();
  const environment = { KM_CONFIG_DIR: temporaryFolder(), HOME: temporaryFolder(), KM_NO_ANALYTICS: '1' };
  return { clock, context: contextWith(environment, { clock, bundleFolder: temporaryFolder() }) };
}

function ask(url: URL, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; text: string; cookie: string }>((resolve, reject) => {
    request(url, { headers }, (response) => {
      const [cookie = ''] = response.headers['set-cookie'] ?? [];
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, cookie }));
    })
      .on('error', reject)
      .end();
  });
}

test('a file of the page that is gone for a moment fails that one request', async () => {
  const dashboard = await startDashboard(0, someone().context);
  onTestFinished(() => dashboard.close());
  const { cookie } = await ask(new URL(dashboard.url));
  const answer = await ask(new URL('/', dashboard.url), { cookie: cookie.split(';')[0] ?? '' });
  expect(answer).toMatchObject({
    status: 500,
    text: expect.stringMatching(/ENOENT.*load the page again/) as string,
  });
});

class Browser extends EventEmitter {
  readonly taken: string[] = [];
  writableNeedDrain = false;
  isThere = true;

  writeHead(): this {
    return this;
  }

  write(text: string): void {
    this.taken.push(text);
  }

  destroy(): void {
    this.isThere = false;
    this.emit('close');
  }
}

test('what a browser does not take does not pile up: it is let go, and others go on', async () => {
  const { clock, context } = someone();
  const live = new LiveState(context);
  const [one, other] = [new Browser(), new Browser()];
  for (const browser of [one, other]) live.attach(browser as unknown as ServerResponse);
  while (one.taken.length < 2) await nextTurn();
  one.writableNeedDrain = true;
  const told = other.taken.length;
  while (other.taken.length === told) {
    await clock.advance(1_000);
    await nextTurn();
  }
  expect([one.isThere, other.isThere]).toEqual([false, true]);
});
