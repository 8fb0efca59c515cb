import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AuthToken, createAuthManager, createFileCache, describeEvent, Secret } from '../src/index.js';
import type { TokenProvider } from '../src/index.js';

const API_KEY = 'km_live_damage_secret';
const FILES = ['.auth_cache', '.credentials', '.cache_key'] as const;

/** Issues numbered tokens; takes any refresh token. */
function countingProvider(): TokenProvider {
  let issued = 0;
  return {
    requestToken: () => {
      issued += 1;
      const issuedAtMs = Date.now();
      const fields = {
        type: 'Bearer',
        scopes: ['monitoring'],
        issuedAtMs,
        expiresAtMs: issuedAtMs + 3_600_000,
      };
      return Promise.resolve({
        token: new AuthToken({ ...fields, value: `access-secret-${String(issued)}` }),
        refreshToken: new Secret(`refresh-secret-${String(issued)}`),
      });
    },
  };
}

let whole: string;
const folders: string[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'km-damage-'));
  folders.push(folder);
  return folder;
}

/** A token from the files in `folder`, as a new process gets it, with all that was told on the way. */
async function useFiles(folder: string): Promise<{ readonly token: string; readonly told: string }> {
  const cache = createFileCache({ folder, environment: {}, machineId: () => 'machine', userId: 'user' });
  const manager = createAuthManager({ apiKey: API_KEY, cache, provider: countingProvider() });
  const told: string[] = [];
  manager.subscribe((event) => told.push(describeEvent(event), inspect(event), JSON.stringify(event)));
  const token = await manager.getValidToken('monitoring');
  await manager.stop();
  return { token: token.reveal(), told: told.join('\n') };
}

const work = (): string => {
  const folder = folders[1] ?? newFolder();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  return folder;
};

/** Puts `bytes` in the place of one file, and gets a token twice: at once, and from what was put right. */
async function expectTokenDespite(file: string, bytes: Uint8Array): Promise<void> {
  const folder = work();
  for (const name of FILES) copyFileSync(join(whole, name), join(folder, name));
  writeFileSync(join(folder, file), bytes, { mode: 0o600 });
  const { token, told } = await useFiles(folder);
  expect(token).toMatch(/^access-secret-\d+$/);
  expect(told).not.toContain('-secret-');
  expect(told).not.toContain(API_KEY);
  expect(told).not.toContain('cache.failed');
}

beforeAll(async () => {
  whole = newFolder();
  newFolder();
  await useFiles(whole);
});

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const MUTANTS: Readonly<Record<string, (byte: number) => number>> = {
  'a flipped bit': (byte) => byte ^ 1,
  'another byte': (byte) => byte ^ 0x5a,
};

/** Every one with KM_ALL_DAMAGE=1; a sample of this many otherwise. */
const SAMPLE = process.env['KM_ALL_DAMAGE'] === '1' ? Number.POSITIVE_INFINITY : 30;
const RANDOM_RUNS = process.env['KM_ALL_DAMAGE'] === '1' ? 10_000 : 60;

/** Numbers from 0 to `count` - 1: all, or so many of them, with the first and the last 10. */
function sampled(count: number): readonly number[] {
  const step = Math.max(1, Math.ceil(count / SAMPLE));
  return Array.from({ length: count }, (_, at) => at).filter(
    (at) => at < 10 || at >= count - 10 || at % step === 0,
  );
}

describe.each(FILES)('a damaged %s', (file) => {
  test.each(Object.entries(MUTANTS))(
    'with %s anywhere costs nobody the token',
    { timeout: 600_000 },
    async (_name, mutate) => {
      const bytes = readFileSync(join(whole, file));
      for (const at of sampled(bytes.length)) {
        const damaged = Buffer.from(bytes);
        damaged[at] = mutate(bytes[at] ?? 0);
        await expectTokenDespite(file, damaged);
      }
    },
  );

  test('that is cut off anywhere costs nobody the token', { timeout: 600_000 }, async () => {
    const bytes = readFileSync(join(whole, file));
    for (const length of sampled(bytes.length)) await expectTokenDespite(file, bytes.subarray(0, length));
  });

  test('that is overwritten at random costs nobody the token', { timeout: 600_000 }, async () => {
    const bytes = readFileSync(join(whole, file));
    const patch = fc.record({ at: fc.nat(bytes.length - 1), with: fc.uint8Array({ maxLength: 64 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(patch, { minLength: 1, maxLength: 4 }), async (patches) => {
        const damaged = Buffer.concat([bytes, Buffer.alloc(64)]);
        for (const each of patches) damaged.set(each.with, each.at);
        await expectTokenDespite(file, damaged);
      }),
      { numRuns: RANDOM_RUNS },
    );
  });
});
