import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { API_KEY, environment, monitoring, runKm, startKm } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';
import { startOnTerminal } from './support/terminal.js';
import { until } from './support/until.js';

const OTHER_KEY = 'km_free_of_another_account';

type Profile = {
  readonly name: string;
  readonly isActive: boolean;
  readonly credential: string | null;
  readonly endpoint: string;
};

async function profilesIn(env: Record<string, string>) {
  const { stdout, code } = await runKm(['auth', 'profiles', '--json'], { env });
  expect(code).toBe(0);
  const { active, profiles } = JSON.parse(stdout) as { active: string; profiles: readonly Profile[] };
  return { active, names: profiles.map(({ name }) => name), profiles };
}

/** A user with two accounts: `work` and `home`. */
async function twoAccounts() {
  const api = await startApi({
    apiKeys: [API_KEY, { key: OTHER_KEY, subject: 'acct_home', tier: 'free' }],
  });
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  await runKm(['auth', 'login', '--api-key-stdin', '--profile', 'work'], { env, input: API_KEY });
  await runKm(['auth', 'login', '--api-key-stdin', '--profile', 'home'], { env, input: OTHER_KEY });
  const subjectOf = async (args: readonly string[], variables: Record<string, string> = {}) => {
    const { stdout } = await runKm(['auth', 'token', ...args], { env: { ...env, ...variables } });
    const [, claims = ''] = stdout.split('.');
    return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { readonly sub: string }).sub;
  };
  return { api, env, subjectOf };
}

describe('km auth switch', () => {
  test('changes whose tokens come; flag and variable go before it; nobody sees the other', async () => {
    const { env, subjectOf } = await twoAccounts();
    const work = await subjectOf(['--profile', 'work']);
    expect(work).not.toBe('acct_home');
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 4 });

    const switched = await runKm(['auth', 'switch', 'home'], { env });
    expect(switched).toMatchObject({ code: 0, stdout: '', stderr: 'km: the active profile is home\n' });
    expect(await subjectOf([])).toBe('acct_home');
    expect(await subjectOf(['--profile', 'work'])).toBe(work);
    expect(await subjectOf([], { KM_PROFILE: 'work' })).toBe(work);
    expect(await subjectOf(['--profile', 'home'], { KM_PROFILE: 'work' })).toBe('acct_home');

    expect((await runKm(['auth', 'switch', 'work'], { env })).code).toBe(0);
    expect(await subjectOf([])).toBe(work);
    const status = await runKm(['auth', 'status', '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({ active: 'work', activeFrom: 'config' });
  });

  test('works, and so does a login, with a KM_PROFILE that cannot be; what is for that profile does not', async () => {
    const { env } = await twoAccounts();
    const odd = { ...env, KM_PROFILE: 'my work' };
    expect(await runKm(['auth', 'switch', 'home'], { env: odd })).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'logout'], { env: odd })).toMatchObject({ code: 2 });
    expect(await runKm(['auth', 'logout', '--all'], { env: odd })).toMatchObject({ code: 0 });
  });

  test('to one that is not there says which there are', async () => {
    const { env } = await twoAccounts();
    expect(await runKm(['auth', 'switch', 'default'], { env })).toMatchObject({ code: 0 });
    const run = await runKm(['auth', 'switch', 'wrok'], { env });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^km: there is no profile "wrok", only default, home, work; [^\n]+\n$/);
    expect((await profilesIn(env)).active).toBe('default');
  });

  test('says when KM_PROFILE goes before it', async () => {
    const { env } = await twoAccounts();
    const run = await runKm(['auth', 'switch', 'home'], { env: { ...env, KM_PROFILE: 'work' } });
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toContain('KM_PROFILE is set to work, and goes before it');
  });

  test('to one that KM_PROFILE alone makes exist, under a name that none can have, changes nothing', async () => {
    const { env } = await twoAccounts();
    const KM_PROFILE = 'my work';
    const run = await runKm(['auth', 'switch', KM_PROFILE], { env: { ...env, KM_PROFILE } });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(/^km: profile "my work" is not a profile name: use [^\n]+\n$/);
    expect((await profilesIn(env)).active).toBe('default');
  });

  test('moves no session that runs, also where the API refuses a batch of it', async () => {
    const { api, env } = await twoAccounts();
    const subjects = () => storedEvents(api).map(({ subject }) => subject);
    await runKm(['auth', 'switch', 'work'], { env });
    const km = startKm(monitoring(ECHO), env);
    km.child.stdin.write('{"jsonrpc":"2.0","method":"before"}\n');
    await until('what passed before', () => subjects().length === 2);
    await runKm(['auth', 'switch', 'home'], { env });
    api.trouble.add({ path: '/api/events/batch', status: 404, count: 1 });
    km.child.stdin.write('{"jsonrpc":"2.0","method":"after"}\n');
    await until('what passed after', () => subjects().length === 4);
    expect(new Set(subjects())).toEqual(new Set(subjects().slice(0, 1)));
    expect(subjects()).not.toContain('acct_home');
    km.child.stdin.end();
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(km.stderr()).toMatch(/^km: [^\n]*404[^\n]*\n/);
  });

  test('without a name asks on a terminal, and nowhere else', async () => {
    const { env } = await twoAccounts();
    expect(await runKm(['auth', 'switch'], { env })).toMatchObject({ code: 2, stdout: '' });
    const km = startOnTerminal(['auth', 'switch'], { env });
    await km.shows('3 work');
    await km.shows('Type a number');
    km.type('3\r');
    expect(await km.ended).toMatchObject({ code: 0 });
    expect((await profilesIn(env)).active).toBe('work');
  });

  test('fifty at once, and as many new profiles, lose nothing of each other', async () => {
    const env = environment();
    const folder = join(env['HOME'] ?? '', '.config/kilometers');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const count = process.env['KM_ALL_STORMS'] === '1' ? 50 : 12;
    const old = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`old${index}`, { kept: index }]));
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ profiles: old, mine: true }), {
      mode: 0o600,
    });
    const runs = await Promise.all(
      Array.from({ length: count }, async (_, index) =>
        index % 2 === 0
          ? runKm(['auth', 'switch', `old${index % 5}`], { env })
          : runKm(['init', '--profile', `new${index}`, '--endpoint', 'http://127.0.0.1:9'], { env }),
      ),
    );
    expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 0));
    const { names, active } = await profilesIn(env);
    const made = Array.from({ length: count / 2 }, (_, index) => `new${index * 2 + 1}`);
    expect(names).toEqual(expect.arrayContaining([...Object.keys(old), ...made]));
    expect(active).toMatch(/^old\d$/);
    const written: unknown = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    expect(written).toMatchObject({ mine: true, profiles: old });
  });
});

describe('km auth profiles', () => {
  test('lists those in config.json and those logged in, and marks the active one', async () => {
    const { env, api } = await twoAccounts();
    await runKm(['auth', 'switch', 'home'], { env });
    const { active, profiles } = await profilesIn(env);
    expect(active).toBe('home');
    expect(profiles).toMatchObject([
      { name: 'home', isActive: true, credential: 'api_key', endpoint: api.url },
      { name: 'work', isActive: false, credential: 'api_key', endpoint: api.url },
    ]);
    const text = await runKm(['auth', 'profiles'], { env });
    expect(text.stdout).toMatch(/^\* home {2}http:\S+ {2}API key\n {2}work {2}http:\S+ {2}API key\n$/);
  });

  test('of somebody new has one that nobody is logged in to', async () => {
    const env = environment();
    const { stdout } = await runKm(['auth', 'profiles'], { env });
    expect(stdout).toBe('* default  https://api.kilometers.ai  nobody is logged in\n');
  });

  test('fits on a narrow terminal', async () => {
    const { env } = await twoAccounts();
    const km = startOnTerminal(['auth', 'profiles'], { env, columns: 40 });
    expect(await km.ended).toMatchObject({ code: 0 });
    const widest = Math.max(
      ...km
        .shown()
        .split('\n')
        .map((line) => line.length),
    );
    expect(widest).toBeLessThanOrEqual(40);
    expect(km.shown()).toContain('  home\n    http://');
  });
});
