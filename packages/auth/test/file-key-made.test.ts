import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CacheNotice } from '../src/index.js';
import { formatKeyFile, type KeyFile } from '../src/caches/file/key-file.js';
import { makeKeyFile } from '../src/caches/file/make-key-file.js';

const NOW_MS = Date.UTC(2030, 0, 2, 3, 4, 5);
const THEIRS: KeyFile = { source: 'file', installSecret: Buffer.alloc(32, 7) };
const DAMAGED = { keyFile: undefined, bytes: Buffer.from('damaged') };

let path: string;
let aside: string;
let notices: CacheNotice[];
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'km-key-made-')), '.cache_key');
  aside = `${path}.corrupt-2030-01-02T03-04-05-000Z`;
  notices = [];
});
afterEach(() => {
  rmSync(join(path, '..'), { recursive: true, force: true });
});

/** Makes the key file; `meanwhile` happens right before it is written. There is no keyring. */
function make(reading?: typeof DAMAGED, meanwhile: () => void = () => undefined): Promise<KeyFile> {
  const keyring = {
    get: () => Promise.resolve(undefined),
    set: () => {
      meanwhile();
      return Promise.resolve(false);
    },
  };
  return makeKeyFile({ keyring, tell: (notice) => notices.push(notice) }, path, reading, NOW_MS);
}

describe('a key file that is made', () => {
  test('says what was made', async () => {
    const made = await make();

    expect(made.source).toBe('file');
    expect(readFileSync(path)).toEqual(formatKeyFile(made));
    expect([readdirSync(join(path, '..')), notices]).toEqual([['.cache_key'], []]);
  });

  test('as another process makes it is that one’s', async () => {
    expect(await make(undefined, () => writeFileSync(path, formatKeyFile(THEIRS), { mode: 0o600 }))).toEqual(
      THEIRS,
    );
    expect(readFileSync(path)).toEqual(formatKeyFile(THEIRS));
  });

  test('as another process makes one that says nothing is an error, to try again', async () => {
    const made = make(undefined, () => writeFileSync(path, 'nothing', { mode: 0o600 }));

    await expect(made).rejects.toMatchObject({
      code: 'KM_AUTH_CACHE',
      message: `${path} was damaged while it was made; try again`,
    });
  });

  test('in a folder that goes meanwhile is an error that says so', async () => {
    const made = make(undefined, () => rmSync(join(path, '..'), { recursive: true }));

    await expect(made).rejects.toThrow(`${path} cannot be written: ENOENT`);
  });
});

describe('a key file that says nothing', () => {
  test('is moved aside, which is told, and another one is made', async () => {
    writeFileSync(path, DAMAGED.bytes);
    const made = await make(DAMAGED);

    expect(readFileSync(aside)).toEqual(DAMAGED.bytes);
    expect(readFileSync(path)).toEqual(formatKeyFile(made));
    expect(notices).toEqual([
      {
        kind: 'corrupt',
        message: `${path} was damaged: it was moved to ${aside}, and what it sealed cannot be opened any more`,
      },
    ]);
  });

  test('may have been moved by another process already', async () => {
    const made = await make(DAMAGED);

    expect(readFileSync(path)).toEqual(formatKeyFile(made));
  });

  test('that cannot be moved stays, and is an error that says so', async () => {
    writeFileSync(path, DAMAGED.bytes);
    mkdirSync(join(aside, 'folder'), { recursive: true });

    await expect(make(DAMAGED)).rejects.toThrow(`${path} cannot be moved aside: `);
    expect(readFileSync(path)).toEqual(DAMAGED.bytes);
  });
});
