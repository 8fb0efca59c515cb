import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyring, keyringIn, type Keyring, type KeyringOptions } from '../src/caches/file/keyring.js';
import { scriptHost } from '../src/caches/file/script-host.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-keyring-child-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const HAS_BUS = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x' };

/** A keyring whose program is this text; `request` is what it was asked. */
function keyringOf(
  program: string,
  more: Partial<KeyringOptions> = { timeoutMs: 30_000 },
  host = scriptHost(process),
): Keyring {
  const childPath = join(folder, 'child.mjs');
  writeFileSync(
    childPath,
    `import { readFileSync } from 'node:fs';\nconst request = JSON.parse(readFileSync(0, 'utf8'));\n${program}\n`,
  );
  return keyringIn(host, { environment: HAS_BUS, platform: 'linux', childPath, ...more });
}

const say = (hex: string): string => `process.stdout.write(${hex});`;
const hexOf = (value: string): string => `Buffer.from(JSON.stringify(${value})).toString('hex')`;

describe('the keyring of the system', () => {
  test('is asked for an entry by its name, with the environment it was given and no other', async () => {
    const keyring = keyringOf(
      say(hexOf('[request, process.env.DBUS_SESSION_BUS_ADDRESS, process.env.HOME]')),
    );

    expect(JSON.parse((await keyring.get('an entry'))?.toString() ?? '')).toEqual([
      { operation: 'get', name: 'an entry' },
      'unix:path=/x',
      null,
    ]);
  });

  test('has what it proves to have', async () => {
    const secret = Buffer.from('a secret');

    expect(await keyringOf(say("request.operation === 'set' ? request.secret : ''")).set('x', secret)).toBe(
      true,
    );
    expect(await keyringOf(say("request.secret + '00'")).set('x', secret)).toBe(false);
  });

  test.each([
    ['says nothing', ''],
    ['fails', `${say("'ab'")} process.exitCode = 1;`],
    ['gives up', 'process.exit(1);'],
  ])('that %s is none', async (_what, program) => {
    const keyring = keyringOf(program);

    expect(await keyring.get('x')).toBeUndefined();
    expect(await keyring.set('x', Buffer.from('y'))).toBe(false);
  });

  test('that does not answer in time is none', async () => {
    const keyring = keyringOf('setInterval(() => undefined, 1_000);', { timeoutMs: 50 });

    expect(await keyring.get('x')).toBeUndefined();
  });

  test('is given the time to find what it is known to have, where a machine is busy, and none to be tried', async () => {
    const slow = (): Keyring =>
      keyringOf(`setTimeout(() => { ${say('request.secret ?? "ab"')} }, 1_500);`, {});
    const [found, isStored] = await Promise.all([slow().get('x'), slow().set('x', Buffer.from('ab'))]);

    expect(found).toEqual(Buffer.from('ab', 'hex'));
    expect(isStored).toBe(false);
  });

  test('is asked once by all who look for one entry at a time, and again by who looks later', async () => {
    const keyring = keyringOf(say(hexOf('[request.name, process.pid]')));
    const [one, other, another] = await Promise.all([keyring.get('x'), keyring.get('x'), keyring.get('y')]);

    expect(one).toEqual(other);
    expect(another).not.toEqual(one);
    expect(await keyring.get('x')).not.toEqual(one);
  });

  test('is asked under Electron too, which runs a file when it is told to', async () => {
    const host = scriptHost({ versions: { electron: '40.0.0' }, getBuiltinModule: () => undefined });
    const keyring = keyringOf(say(hexOf('process.env.ELECTRON_RUN_AS_NODE')), { timeoutMs: 30_000 }, host);

    expect((await keyring.get('x'))?.toString()).toBe('"1"');
  });

  test('is not asked by a single executable application, which would start itself: that is said', async () => {
    const getBuiltinModule = (name: string) => (name === 'node:sea' ? { isSea: () => true } : undefined);
    const keyring = keyringOf(say("'ab'"), {}, scriptHost({ versions: {}, getBuiltinModule }));

    await expect(keyring.get('x')).rejects.toMatchObject({
      code: 'KM_AUTH_CACHE',
      message: expect.stringContaining('a single executable application cannot start what asks it') as string,
    });
    expect(await keyring.set('x', Buffer.from('ab', 'hex'))).toBe(false);
  });

  test('of a bundle that left out the program that asks it is missed by name', async () => {
    const childPath = join(folder, 'nothing.js');
    const keyring = createKeyring({ environment: HAS_BUS, platform: 'linux', childPath });

    await expect(keyring.get('x')).rejects.toMatchObject({
      code: 'KM_AUTH_CACHE',
      message: expect.stringContaining(`${childPath} is missing`) as string,
    });
    expect(await keyring.set('x', Buffer.from('ab', 'hex'))).toBe(false);
    const withoutBus = createKeyring({ environment: {}, platform: 'linux', childPath });
    expect(await withoutBus.get('x')).toBeUndefined();
  });

  test('is not asked on Linux where there is no session bus, and is elsewhere', async () => {
    const asked = (environment: Readonly<Record<string, string>>, platform: NodeJS.Platform) =>
      keyringOf(say("'ab'"), { environment, platform, timeoutMs: 30_000 }).get('x');

    expect(await asked({}, 'linux')).toBeUndefined();
    expect(await asked({ DBUS_SESSION_BUS_ADDRESS: '' }, 'linux')).toBeUndefined();
    expect(await asked({}, 'darwin')).toEqual(Buffer.from('ab', 'hex'));
  });
});
