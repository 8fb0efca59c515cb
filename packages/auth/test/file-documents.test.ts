import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

describe('a file that others could have changed', () => {
  const file = (): string => join(folder, '.discovery');
  const reader = () => {
    const told: string[] = [];
    return {
      told,
      store: createDocumentFile({ folder, random: () => 0.5, onNotice: (text) => told.push(text) }),
    };
  };

  test.each([0o666, 0o644, 0o620])(
    'of mode %o is removed, which is told, and nothing of it is used',
    async (mode) => {
      put({ a: fetchedAt(1), b: fetchedAt(1) });
      chmodSync(file(), mode);
      const { store, told } = reader();
      expect(await store.get('a')).toBeUndefined();
      expect(existsSync(file())).toBe(false);
      await store.set('a', fetchedAt(2));

      expect([await store.get('a'), await store.get('b')]).toEqual([fetchedAt(2), undefined]);
      expect(statSync(file()).mode & 0o777).toBe(0o600);
      const shown = mode.toString(8);
      expect(told).toEqual([
        `${file()} could be got at by other users (mode ${shown}): it is not used, and was removed`,
      ]);
    },
  );

  test('is neither read nor kept where it is wide when another is stored', async () => {
    put({ b: fetchedAt(1) });
    chmodSync(file(), 0o666);
    const { store, told } = reader();
    await store.set('a', fetchedAt(2));

    expect([await store.get('a'), await store.get('b')]).toEqual([fetchedAt(2), undefined]);
    expect(told).toHaveLength(1);
  });

  test('is not used where it is a link, which is told once', async () => {
    writeFileSync(join(folder, 'elsewhere'), JSON.stringify({ a: fetchedAt(1) }), { mode: 0o600 });
    symlinkSync(join(folder, 'elsewhere'), file());
    const { store, told } = reader();

    expect([await store.get('a'), await store.get('a')]).toEqual([undefined, undefined]);
    expect(told).toEqual([expect.stringContaining(`${file()} is a symbolic link; it is not used`)]);
  });

  test.runIf(process.getuid?.() === 0)('is not used where it is of another user, and replaced', async () => {
    put({ a: fetchedAt(1), b: fetchedAt(1) });
    chownSync(file(), 12_345, 12_345);
    const { store, told } = reader();
    expect(await store.get('a')).toBeUndefined();
    await store.set('a', fetchedAt(2));

    expect([await store.get('a'), await store.get('b')]).toEqual([fetchedAt(2), undefined]);
    expect(told).toEqual([expect.stringContaining(`${file()} belongs to user 12345`)]);
  });
});
