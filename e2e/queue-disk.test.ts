import { appendFileSync, mkdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, API_KEY, environment, monitoring, runKm } from './support/km.js';
import { can, mountSmall, run } from './support/login-system.js';
import { numbersTo, startSession, storedNumbers } from './support/queue-session.js';
import { flawsBySchema } from './support/schema.js';
import { ECHO } from './support/scripted-servers.js';
import { until } from './support/until.js';

const CAN_MOUNT = can('a small disk', 'unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt');
const MESSAGES = 400;

describe.runIf(CAN_MOUNT)('where the queue cannot be written', () => {
  test.each([
    ['the disk is full', (folder: string) => mountSmall(folder, '64k')],
    [
      'the disk is read-only',
      (folder: string) => {
        mountSmall(folder, '1m');
        run('mount', '-o', 'remount,ro', folder);
      },
    ],
  ])(
    'because %s, traffic goes on, one line says so, and all is delivered in the end',
    async (_, prepare) => {
      const api = await startApi();
      const state = join(temporaryFolder(), 'state');
      mkdirSync(state);
      prepare(state);
      const env = accountAt(api.url, { XDG_STATE_HOME: state });
      // A key and a token are there when the trouble begins.
      await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
      const mended = api.trouble.add('path=/api/events/batch,drop=before,count=inf');
      const session = startSession(env, 'full');
      await session.send(MESSAGES);
      await until('the echoes', () => session.echoedAtMs.length === MESSAGES);
      await until('the one line', () => session.km.stderr() !== '');
      mended();
      await until('every event', () => storedNumbers(api, 'full', 'inbound').length === MESSAGES, 60_000);
      await session.end();
      expect(await session.km.ended).toEqual({ code: 0, signal: null });
      expect(storedNumbers(api, 'full')).toEqual(numbersTo(MESSAGES));
      expect(storedNumbers(api, 'full', 'inbound')).toEqual(numbersTo(MESSAGES));
      expect(session.km.stderr()).toMatch(/^km: events wait in memory only, for now: [^\n]+\n$/);
    },
    120_000,
  );

  test('and is freed while messages pass, none is lost and all are in order', async () => {
    const api = await startApi();
    const state = join(temporaryFolder(), 'state');
    mkdirSync(state);
    mountSmall(state, '1m');
    const filler = join(state, 'filler');
    const env = accountAt(api.url, { XDG_STATE_HOME: state });
    await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
    fill(filler);
    const session = startSession(env, 'freed');
    await session.send(1);
    await until('the one line', () => session.km.stderr() !== '');
    const count = MESSAGES - 1;
    const sent = session.send(count, 40);
    await until('traffic on a full disk', () => session.echoedAtMs.length > count / 8);
    rmSync(filler);
    await sent;
    await until('every event', () => storedNumbers(api, 'freed', 'inbound').length === MESSAGES, 60_000);
    await session.end();
    expect(await session.km.ended).toEqual({ code: 0, signal: null });
    expect(storedNumbers(api, 'freed')).toEqual(numbersTo(MESSAGES));
    expect(storedNumbers(api, 'freed', 'inbound')).toEqual(numbersTo(MESSAGES));
    expect(session.km.stderr()).toMatch(/^km: events wait in memory only, for now: [^\n]+\n$/);
  }, 120_000);

  test('km queue flush --json tells those that are lost from those that were set aside', async () => {
    const api = await startApi();
    const state = join(temporaryFolder(), 'state');
    mkdirSync(state);
    mountSmall(state, '2m');
    const filler = join(state, 'filler');
    const nobody = environment({ KILOMETERS_API_ENDPOINT: api.url, XDG_STATE_HOME: state });
    const env = { ...nobody, KILOMETERS_API_KEY: API_KEY };
    const flushAfter = async (text: string, prepare: () => void): Promise<unknown> => {
      const input = `${JSON.stringify({ jsonrpc: '2.0', method: 'say', params: { text } })}\n`;
      await runKm(monitoring(ECHO), { env: nobody, input });
      prepare();
      const { code, stdout } = await runKm(['queue', 'flush', '--json'], { env });
      expect(code).toBe(0);
      expect(flawsBySchema('queue-flush', stdout)).toEqual([]);
      return JSON.parse(stdout);
    };
    api.trouble.add('path=/api/events/batch,status=413,count=inf');
    const kept = await flushAfter('short', () => undefined);
    expect(kept).toMatchObject({ delivered: 0, refused: 2, lost: 0, waiting: 0 });
    // There is room for the lock of who delivers, and none for the message.
    const lost = await flushAfter('long'.repeat(50_000), () => {
      fill(filler);
      truncateSync(filler, statSync(filler).size - 64 * 1024);
    });
    expect(lost).toMatchObject({ delivered: 0, refused: 2, lost: 2, waiting: 0 });
  }, 120_000);
});

/** Takes all that is left of a disk. */
function fill(path: string): void {
  for (const bytes of [64 * 1024, 4 * 1024]) {
    const block = Buffer.alloc(bytes);
    try {
      for (;;) appendFileSync(path, block);
    } catch {
      // There is no room for one more.
    }
  }
}
