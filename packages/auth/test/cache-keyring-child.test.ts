import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyring, type Keyring, type KeyringOptions } from '../src/caches/file/keyring.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-keyring-child-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const HAS_BUS = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x' };

/** A keyring whose program is this text; `request` is what it was asked. */
function keyringOf(program: string, more: Partial<KeyringOptions> = { timeoutMs: 30_000 }): Keyring {
  const childPath = join(folder, 'child.mjs');
  writeFileSync(
    childPath,
    `import { readFileSync } from 'node:fs';\nconst request = JSON.parse(readFileSync(0, 'utf8'));\n${program}\n`,
  );
  return createKeyring({ environment: HAS_BUS, platform: 'linux', childPath, ...more });
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

  test('is not asked on Linux where there is no session bus, and is elsewhere', async () => {
    const asked = (environment: Readonly<Record<string, string>>, platform: NodeJS.Platform) =>
      keyringOf(say("'ab'"), { environment, platform, timeoutMs: 30_000 }).get('x');

    expect(await asked({}, 'linux')).toBeUndefined();
    expect(await asked({ DBUS_SESSION_BUS_ADDRESS: '' }, 'linux')).toBeUndefined();
    expect(await asked({}, 'darwin')).toEqual(Buffer.from('ab', 'hex'));
  });
});
