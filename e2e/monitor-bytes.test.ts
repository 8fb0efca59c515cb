import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert as check, array, asyncProperty, constantFrom, oneof, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, environment, monitoring, runKm, startKm } from './support/km.js';
import { runUntilStored } from './support/run-until.js';
import { ECHO, FLOODER } from './support/scripted-servers.js';
import { until } from './support/until.js';

async function echoed(input: string | Uint8Array): Promise<Buffer> {
  const { code, bytes } = await runKm(monitoring(ECHO), { input });
  expect(code).toBe(0);
  return bytes;
}

const PIECE = oneof(
  uint8Array({ maxLength: 300 }),
  constantFrom(
    '\n',
    '\r\n',
    '{"id":1,"method":"ping"}\n',
    '[{"method":"a"}]\n',
    '\u0000',
    'x'.repeat(70_000),
    `{"id":2,"result":"${'y'.repeat(1_100_000)}"}\n`,
  ).map((text) => Uint8Array.from(Buffer.from(text))),
);

describe('what goes through km monitor', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a line without a newline at its end', Buffer.from('{"id":1,"method":"ping"}')],
    ['lines that are no JSON', Buffer.from('Server started\n\n\tlistening on 1 {\n')],
    ['carriage returns', Buffer.from('{"id":1,"method":"ping"}\r\n\r\nx\r\r\n')],
    ['invalid UTF-8', Buffer.from([0xff, 0xfe, 0x0a, 0xc3, 0x28, 0x0a, 0xed, 0xa0, 0x80, 0x0a, 0x00])],
    ['a line of 5 MB', Buffer.from(`{"method":"x","params":"${'é'.repeat(2_500_000)}","id":1}\n`)],
    ['5 MB without a newline', Buffer.alloc(5_000_000, 'x')],
    ['many small lines', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}\n'.repeat(50_000))],
  ])('comes out as it went in: %s', async (_, input) => {
    expect((await echoed(input)).equals(input)).toBe(true);
  });

  test('comes out as it went in, whatever it is', async () => {
    await check(
      asyncProperty(array(PIECE, { maxLength: 30 }), async (pieces) => {
        const input = Buffer.concat(pieces);
        expect((await echoed(input)).equals(input)).toBe(true);
      }),
      { numRuns: 12 },
    );
  }, 300_000);

  test('goes both ways at once, and neither changes the other', async () => {
    const folder = temporaryFolder();
    const [said, heard] = [join(folder, 'said'), join(folder, 'heard')];
    const server = `
      const { createReadStream, createWriteStream } = require('node:fs');
      createReadStream(${JSON.stringify(said)}).pipe(process.stdout);
      process.stdin.pipe(createWriteStream(${JSON.stringify(heard)}));
    `;
    const stream = array(PIECE, { maxLength: 40 }).map((pieces) => Buffer.concat(pieces));
    await check(
      asyncProperty(stream, stream, async (fromServer, fromClient) => {
        writeFileSync(said, fromServer);
        const { code, bytes } = await runKm(monitoring(server, '--local'), { input: fromClient });
        expect(code).toBe(0);
        expect(bytes.equals(fromServer)).toBe(true);
        expect(readFileSync(heard).equals(fromClient)).toBe(true);
      }),
      { numRuns: 12 },
    );
  }, 300_000);

  test('may be a line of 100 MB: it arrives whole, and takes no memory', async () => {
    const api = await startApi();
    const km = startKm(monitoring(ECHO), accountAt(api.url));
    km.child.stdout.removeAllListeners('data');
    const [sent, received] = [createHash('sha256'), createHash('sha256')];
    let size = 0;
    km.child.stdout.on('data', (chunk: Buffer) => {
      received.update(chunk);
      size += chunk.length;
    });
    const say = async (bytes: Buffer) => {
      sent.update(bytes);
      if (!km.child.stdin.write(bytes)) await once(km.child.stdin, 'drain');
    };
    const block = Buffer.alloc(1_000_000, 'é');
    await say(Buffer.from('{"jsonrpc":"2.0","method":"large","params":"'));
    for (let count = 0; count < 100; count += 1) await say(block);
    await say(Buffer.from('"}\n'));
    await until('all of it', () => size === 100_000_047);
    const [, peakKb] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${km.child.pid}/status`, 'utf8')) ?? [];
    await until('both events', () => storedEvents(api).length >= 2);
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    expect(Number(peakKb)).toBeLessThan(250_000);
    expect(storedEvents(api).map(({ method, size: bytes }) => [method, bytes])).toEqual([
      ['large', 100_000_046],
      ['large', 100_000_046],
    ]);
  }, 180_000);

  test('comes out while the client is still talking, byte by byte', async () => {
    const km = startKm(monitoring(ECHO));
    for (const text of ['{', '"id"', ':1}', '\n', 'x']) {
      const before = km.stdout().toString();
      km.child.stdin.write(text);
      await until('the echo', () => km.stdout().toString() === before + text);
    }
    km.child.stdin.end();
    expect(await km.ended).toEqual({ code: 0, signal: null });
  });

  test('is held back when the client does not read, instead of filling the memory', async () => {
    const limit = 48 * 1024 * 1024;
    const km = startKm(monitoring(FLOODER.replace('LIMIT', String(limit))));
    km.child.stdout.pause();
    const said = () => Number(km.stderr().trim().split('\n').at(-1));
    let [last, turns] = [0, 0];
    await until('the server to be held back', () => {
      turns = said() === last ? turns + 1 : 0;
      last = said();
      return last > 0 && turns > 15;
    });
    expect(last).toBeLessThan(limit / 8);
    km.child.stdout.resume();
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(km.stdout().length).toBe(limit);
  });

  test("the server's stderr comes through as it is", async () => {
    const { stderr, stdout } = await runKm(
      monitoring(`process.stderr.write('one\\ntwo'); process.stdin.resume()`),
    );
    expect(stderr).toBe('one\ntwo');
    expect(stdout).toBe('');
  });

  test('the server has the arguments and the environment it would have without km', async () => {
    const script = `console.log(JSON.stringify([process.argv.slice(1), process.env.OWN, process.cwd()]))`;
    const args = [...monitoring(script), '--', '--server', '--endpoint', 'x', '--', '--help'];
    const { stdout } = await runKm(args, { env: environment({ OWN: 'yes' }) });
    expect(JSON.parse(stdout)).toEqual([
      ['--server', '--endpoint', 'x', '--', '--help'],
      'yes',
      process.cwd(),
    ]);
  });

  test('a message too long to keep passes, and is recorded by its size', async () => {
    const api = await startApi();
    const request = `{"method":"tools/call","params":"${'x'.repeat(3_000_000)}","jsonrpc":"2.0","id":1}`;
    const response = '{"jsonrpc":"2.0","id":1,"result":{}}';
    const script = `
      const lines = require('node:readline').createInterface({ input: process.stdin });
      lines.on('line', () => console.log('${response}'));
    `;
    const { stdout } = await runUntilStored(monitoring(script), 2, { api, input: `${request}\n` });
    expect(stdout).toBe(`${response}\n`);
    expect(storedEvents(api)).toMatchObject([
      { direction: 'outbound', method: 'tools/call', size: request.length },
      { direction: 'inbound', method: 'tools/call', size: response.length },
    ]);
  });
});
