import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDocumentFile } from '../src/caches/file/document-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-documents-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const documents = () => createDocumentFile({ folder, random: () => 0.5 });
const fetchedAt = (fetchedAtMs: number) => ({ text: 'text', fetchedAtMs, freshUntilMs: fetchedAtMs + 1 });
const put = (content: unknown): void => {
  writeFileSync(join(folder, '.discovery'), JSON.stringify(content), { mode: 0o600 });
};

test('a document that is stored again is the later one, under the lock of the documents', async () => {
  await documents().set('a', fetchedAt(1));
  await documents().set('b', fetchedAt(1));
  await documents().set('a', fetchedAt(2));

  expect([await documents().get('a'), await documents().get('b')]).toEqual([fetchedAt(2), fetchedAt(1)]);
  expect(readdirSync(join(folder, '.locks'))).toEqual(['discovery']);
});

test('of more documents than are kept the latest stay', async () => {
  const times = Array.from({ length: 40 }, (_, at) => (at * 7) % 40);
  put(Object.fromEntries(times.map((atMs) => [`url-${String(atMs)}`, fetchedAt(atMs)])));
  await documents().set('new', fetchedAt(0));

  const kept = Object.keys(JSON.parse(readFileSync(join(folder, '.discovery'), 'utf8')) as object);
  const latest = Array.from({ length: 31 }, (_, at) => `url-${String(9 + at)}`);
  expect(kept.toSorted()).toEqual(['new', ...latest].toSorted());
});

test('what is no document is none, and the others stay', async () => {
  const good = fetchedAt(1);
  const bad = {
    nothing: null,
    number: 7,
    empty: {},
    textless: { ...good, text: 7 },
    timeless: { ...good, fetchedAtMs: '1' },
    endless: { ...good, freshUntilMs: null },
  };
  put({ ...bad, good });

  expect(await documents().get('good')).toEqual(good);
  for (const url of Object.keys(bad)) expect(await documents().get(url), url).toBeUndefined();
});

test.each([[null], [7], ['text'], [[]]])(
  'a file that says %j has no documents, until one is stored',
  async (content) => {
    put(content);
    expect(await documents().get('a')).toBeUndefined();
    await documents().set('a', fetchedAt(1));

    expect(await documents().get('a')).toEqual(fetchedAt(1));
  },
);
