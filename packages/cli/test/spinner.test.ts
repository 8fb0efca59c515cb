import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { whileSpinning } from '../src/terminal/spinner.js';
import { contextWith } from './support/context.js';
import { FakeClock } from './support/fake-clock.js';

/** What is drawn while something takes a second, on a stderr that is like `terminal`. */
async function drawnIn(
  environment: Readonly<Record<string, string>>,
  terminal: { readonly isTTY?: boolean; readonly columns?: number } = { isTTY: true },
): Promise<readonly string[]> {
  const clock = new FakeClock();
  const drawn: string[] = [];
  const stderr = Object.assign(new PassThrough(), terminal);
  const prompt = (text: string): number => drawn.push(text);
  const context = contextWith(environment, { clock, stderr: () => stderr, prompt });
  let end: () => void = () => undefined;
  const spinning = whileSpinning('waiting for an answer of somebody', context, () => {
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  await clock.advance(1_000);
  end();
  await spinning;
  return drawn;
}

test('a spinner is drawn on a terminal, and erased in the end', async () => {
  const drawn = await drawnIn({});
  expect(drawn[0]).toBe('\r\u001b[K- waiting for an answer of somebody (300 ms)');
  expect(drawn.length).toBeGreaterThan(3);
  expect(drawn.at(-1)).toBe('\r\u001b[K');
});

test.each([{ NO_COLOR: '1' }, { CI: 'true' }, { TERM: 'dumb' }])(
  'with %j there is none',
  async (environment) => {
    expect(await drawnIn(environment)).toEqual([]);
  },
);

test('where there is no terminal there is none', async () => {
  expect(await drawnIn({}, {})).toEqual([]);
});

test.each([80, 41, 39, 20, 2, 1])('on %i columns it stays in one row', async (columns) => {
  const drawn = await drawnIn({}, { isTTY: true, columns });
  expect(drawn.length).toBeGreaterThan(3);
  for (const text of drawn) expect(text.replace('\r\u001b[K', '').length).toBeLessThan(columns);
});
