import { expect, test } from 'vitest';
import { lazily } from '../src/lazily.js';

test('what is loaded lazily is loaded once', async () => {
  let loads = 0;
  const load = lazily(() => Promise.resolve((loads += 1)));

  expect(await Promise.all([load(), load()])).toEqual([1, 1]);
  expect(await load()).toBe(1);
});

test('files that are gone are said to be, with what to do, and looked for again', async () => {
  let isThere = false;
  const load = lazily(() =>
    isThere ? Promise.resolve('part') : Promise.reject(new Error('Cannot find module later.js')),
  );

  await expect(load()).rejects.toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    message: expect.stringContaining('start the program again') as string,
  });
  isThere = true;
  expect(await load()).toBe('part');
});
