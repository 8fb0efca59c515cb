import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readSecret, type SecretInput } from '../src/read-secret.js';
import { FakeClock } from './support/fake-clock.js';

function terminal() {
  const modes: boolean[] = [];
  const input: PassThrough & SecretInput = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => modes.push(isRaw),
  });
  return { input, modes };
}

function read(input: SecretInput, clock = new FakeClock()) {
  let shown = '';
  const secret = readSecret({
    what: 'API key',
    flag: '--api-key-stdin',
    input,
    clock,
    prompt: (text) => (shown += text),
  });
  return { secret, shown: () => shown };
}

describe('from a pipe', () => {
  test.each([
    ['key\n', 'key'],
    ['  key\t\r\n', 'key'],
    ['\uFEFFkey', 'key'],
    ['key\nsecond line\n', 'key'],
  ])('%j is %j, and nothing is prompted', async (text, expected) => {
    const input = new PassThrough();
    const { secret, shown } = read(input);
    input.end(text);
    expect(await secret).toBe(expected);
    expect(shown()).toBe('');
  });

  test.each(['', '\n', '   \nkey', 'k\u0000ey', 'ke\u00ffy', 'k'.repeat(20_000)])(
    'refuses %j without repeating it',
    async (text) => {
      const input = new PassThrough();
      const { secret } = read(input);
      input.end(text);
      await expect(secret).rejects.toThrow(/^(?!.*kk).*API key/);
    },
  );

  test('that stays silent is not waited for longer than 30 s', async () => {
    const clock = new FakeClock();
    const { secret } = read(new PassThrough(), clock);
    const refused = expect(secret).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /within 30 s: give it as one line, as in --api-key-stdin < FILE$/,
      ) as string,
    });
    await clock.advance(30_000);
    await refused;
  });
});

describe('from a terminal', () => {
  test('asks, takes corrections, and shows nothing of what is typed', async () => {
    const { input, modes } = terminal();
    const { secret, shown } = read(input);
    input.write('kex\u007fy\r');
    expect(await secret).toBe('key');
    expect(shown()).toMatch(/^Paste the API key [^\n]*: \n$/);
    expect(modes).toEqual([true, false]);
  });

  test.each([
    ['Ctrl-U', '\u0015'],
    ['Ctrl-W', '\u0017'],
  ])('%s takes back all that was typed', async (_, key) => {
    const { input } = terminal();
    const { secret } = read(input);
    input.write(`wrong${key}key\r`);
    expect(await secret).toBe('key');
  });

  test('hides what is typed before it asks for anything', async () => {
    const { input, modes } = terminal();
    const whenAsked: boolean[][] = [];
    const prompt = (): void => void whenAsked.push([...modes]);
    const secret = readSecret({
      what: 'API key',
      flag: '--api-key-stdin',
      input,
      clock: new FakeClock(),
      prompt,
    });
    input.write('key\r');
    await secret;
    expect(whenAsked[0]).toEqual([true]);
  });

  test('Ctrl-C ends it and gives the terminal back', async () => {
    const { input, modes } = terminal();
    const { secret } = read(input);
    input.write('ke\u0003');
    await expect(secret).rejects.toMatchObject({ exitCode: 130 });
    expect(modes).toEqual([true, false]);
  });
});
