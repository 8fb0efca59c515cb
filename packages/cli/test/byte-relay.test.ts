import { PassThrough, Writable } from 'node:stream';
import { array, assert as check, asyncProperty, integer } from 'fast-check';
import { expect, test } from 'vitest';
import { ByteRelay } from '../src/monitor/byte-relay.js';
import type { ByteSource } from '../src/monitor/byte-source.js';

/** A source with one piece of memory, which says the next thing whether it is paused or not. */
function startLending() {
  const memory = Buffer.alloc(64);
  const stream = new PassThrough();
  let onChunk: (chunk: Buffer) => void = () => undefined;
  const source: ByteSource = { stream, isLent: true, onData: (listener) => (onChunk = listener) };
  return {
    source,
    say(bytes: Buffer) {
      bytes.copy(memory);
      onChunk(memory.subarray(0, bytes.length));
      memory.fill('!');
    },
    end: () => stream.resume().end(),
  };
}

test('what is lent to it is passed on as it was, however late the sink takes it', async () => {
  const sizes = array(integer({ min: 1, max: 64 }), { maxLength: 30 });
  await check(
    asyncProperty(sizes, integer({ min: 1, max: 200 }), async (lengths, highWaterMark) => {
      const lending = startLending();
      const taken: Buffer[] = [];
      const takers: (() => void)[] = [];
      const sink = new Writable({
        highWaterMark,
        // Looked at only when it is taken.
        write: (chunk: Buffer, _encoding, done) => {
          takers.push(() => {
            taken.push(Buffer.from(chunk));
            done();
          });
        },
      });
      const relay = new ByteRelay({
        source: lending.source,
        sink,
        onBytes: () => true,
        onEnd: () => undefined,
      });
      const said = lengths.map((length, index) => Buffer.alloc(length, index + 1));
      for (const [index, bytes] of said.entries()) {
        lending.say(bytes);
        if (index % 3 === 2) takers.shift()?.();
      }
      lending.end();
      while (!sink.writableFinished) {
        takers.shift()?.();
        await new Promise(setImmediate);
      }
      await relay.flushed;
      expect(Buffer.concat(taken)).toEqual(Buffer.concat(said));
    }),
  );
});
