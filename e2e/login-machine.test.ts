import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { age, OVER_MS } from './support/age.js';
import { CAN_FAKE_TIME, settableClock } from './support/fake-time.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, runKm, start } from './support/km.js';
import {
  endOf,
  NOTHING,
  ONE_REFRESH,
  PROGRAM,
  runProgram,
  startAtGate,
  startLogin,
  waitedMs,
  type Login,
} from './support/login.js';
import { can } from './support/login-system.js';
import { until } from './support/until.js';

const NAMESPACE = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const CAN_UNSHARE = can('another pid namespace', 'unshare', ...NAMESPACE, 'true');
const CAN_KEYRING =
  can('a real keyring', 'gnome-keyring-daemon', '--version') &&
  can('a session bus', 'dbus-run-session', 'true');

/** Starts a program with this login by another command, which waits at the gate. */
async function startUnder(login: Login, command: string, ...args: readonly string[]) {
  const run = start(command, [...args, ...PROGRAM], { ...login.env, LOGIN_GATE: '1' });
  await until('the program is at the gate', () => run.stdout().length > 0);
  return run;
}

test.runIf(CAN_UNSHARE)(
  'a lock held in another pid namespace is kept, and freed within 5 s when its owner is killed',
  async () => {
    const login = await startLogin({ graceMs: 120_000 });
    let arrived = 0;
    login.api.on((event) => event.type === 'trouble.applied' && (arrived += 1));
    login.api.trouble.add({ latencyMs: 6_000 });
    const inside = await startUnder(login, 'unshare', ...NAMESPACE);
    const outside = await startAtGate(login);
    inside.child.stdin.end();
    await until('the request has arrived', () => arrived === 1);
    outside.child.stdin.end();
    const endsAtMs = performance.now() + 5_500;
    await until('a silent owner would count as dead', () => performance.now() > endsAtMs);
    expect(outside.child.exitCode).toBeNull();
    inside.child.kill('SIGKILL');
    const killedAtMs = Date.now();
    const said = await endOf(outside);
    expect(said.token).toEqual(expect.any(String));
    expect(waitedMs(said, killedAtMs)).toBeLessThan(5_500);
    expect(login.takeSeen()).toMatchObject({ refreshed: 1, reused: 0, logins: 0 });
  },
);

test.runIf(CAN_FAKE_TIME).each(['+1h', '-1h'])(
  'a program whose clock is %s wrong shares the lock, and the login is not lost',
  async (wrong) => {
    const login = await startLogin();
    login.api.trouble.add({ latencyMs: 500 });
    const runs = [
      await startAtGate(login, settableClock(wrong).variables),
      await startAtGate(login),
      await startAtGate(login),
    ];
    for (const { child } of runs) child.stdin.end();
    const ends = await Promise.all(runs.map(endOf));
    expect(ends.filter(({ token }) => token === undefined)).toEqual([]);
    expect(login.takeSeen()).toMatchObject({ reused: 0, logins: 0 });
  },
);

test('a session bus that never answers costs about a second once, and then the key is in a file', async () => {
  const socket = join(temporaryFolder(), 'bus');
  const silent = createServer(() => undefined).listen(socket);
  onTestFinished(() => void silent.close());
  const login = await startLogin();
  const bus = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` };
  const startedAtMs = performance.now();
  expect(await runProgram(login, bus)).toMatchObject({ token: expect.any(String) as string, source: 'file' });
  const firstMs = performance.now() - startedAtMs;
  expect((await runProgram(login, bus)).source).toBe('file');
  const secondMs = performance.now() - startedAtMs - firstMs;
  // Who waits for such a bus as long as its clients do waits for 25 s.
  expect(firstMs - secondMs).toBeLessThan(10_000);
  expect(login.takeSeen()).toEqual(ONE_REFRESH);
});

/** A keyring that works must not seem not to, because the machine is busy. */
const PATIENT: Readonly<Record<string, string>> = { LOGIN_KEYRING_MS: '15000' };

/** Runs a program, as often as it is named, in a session with a keyring that `daemon` starts. */
function runInSession(login: Login, daemon: string, times = 1, variables = PATIENT) {
  const programs = '"$@" </dev/null; '.repeat(times);
  const script = `${daemon} >/dev/null 2>&1; ${programs}`;
  return start('dbus-run-session', ['--', 'sh', '-c', script, 'sh', ...PROGRAM], {
    ...login.env,
    ...variables,
  });
}

const UNLOCKED = 'printf secret | gnome-keyring-daemon --unlock --components=secrets';
/** Nobody has given it the password. */
const LOCKED = 'gnome-keyring-daemon --start --components=secrets';

test.runIf(CAN_KEYRING)(
  'a keyring that is locked is an error that says so within seconds; unlocked again it has the key',
  { timeout: 110_000 },
  async () => {
    const login = await startLogin();
    expect((await endOf(runInSession(login, UNLOCKED))).source).toBe('keyring');
    expect(login.takeSeen()).toEqual(ONE_REFRESH);
    // Who does not see that it is locked waits longer than this test may take.
    const locked = await endOf(runInSession(login, LOCKED, 1, { LOGIN_KEYRING_MS: '120000' }));
    expect(locked).toMatchObject({ code: 'KM_AUTH_CACHE' });
    expect(locked.stderr).toMatch(/OS keyring, which is locked/);
    expect(login.takeSeen()).toEqual(NOTHING);
    expect(await endOf(runInSession(login, UNLOCKED))).toMatchObject({
      token: expect.any(String) as string,
      source: 'keyring',
    });
    expect(login.takeSeen()).toEqual(NOTHING);
  },
);

test.runIf(CAN_KEYRING)(
  'with a real keyring the key is in it; when it is gone, that is said, and nothing hangs',
  async () => {
    const login = await startLogin();
    const run = runInSession(login, UNLOCKED, 2);
    const { stderr } = await endOf(run);
    const said = [
      ...run
        .stdout()
        .toString()
        .matchAll(/"source":"(\w+)"/g),
    ].map(([, source]) => source);
    expect(said, stderr).toEqual(['keyring', 'keyring']);
    expect(login.takeSeen()).toEqual(ONE_REFRESH);
    const gone = await runProgram(login);
    expect(gone).toMatchObject({ code: 'KM_AUTH_CACHE' });
    expect(gone.message).toMatch(/cannot be read|keyring/);
    expect(gone.stderr).toMatch(/OS keyring/);
    expect(login.takeSeen()).toEqual(NOTHING);
  },
);

test('no secret that was used is in any file or in what is said with KM_DEBUG=true', async () => {
  const login = await startLogin();
  const env = {
    ...login.env,
    KILOMETERS_API_ENDPOINT: login.api.url,
    KILOMETERS_API_KEY: API_KEY,
    KM_DEBUG: 'true',
  };
  const secrets = new Set([API_KEY, login.refreshToken]);
  const said: string[] = [];
  const note = (token: string | undefined, stderr: string): void => {
    expect(token).toMatch(/^\S+$/);
    secrets.add(token ?? '');
    said.push(stderr);
  };
  for (let round = 0; round < 2; round += 1) {
    if (round > 0) await age(login.env, OVER_MS);
    const program = await runProgram(login);
    note(program.token, program.stderr);
    const km = await runKm(['auth', 'token'], { env });
    note(km.stdout.trim(), km.stderr);
  }
  expect(secrets.size).toBeGreaterThanOrEqual(5);
  for (const command of [
    'auth status',
    'auth profiles',
    'auth stats',
    'auth refresh',
    'auth revoke',
    'auth logout',
    'doctor',
  ]) {
    const { stdout, stderr } = await runKm(command.split(' '), { env });
    said.push(stdout, stderr);
  }
  const files = readdirSync(login.env['HOME'] ?? '', { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile(),
  );
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['.auth_cache', '.cache_key']));
  const texts = [
    ...said,
    ...files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')),
  ];
  for (const secret of secrets) expect(texts.filter((text) => text.includes(secret))).toEqual([]);
}, 120_000);
