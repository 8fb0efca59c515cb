import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { CHROMIUM, openChromium } from './support/chromium.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, API_KEY, startKm } from './support/km.js';
import { until } from './support/until.js';

/** A dashboard whose browser is a program that notes what it is given, and `open`s nothing. */
async function startDashboard(variables: Readonly<Record<string, string>> = {}) {
  const api = await startApi();
  const notes = temporaryFolder();
  const browser = join(notes, 'browser');
  const script = `printf '%s\\n' "$@" > '${notes}/new' && env > '${notes}/env' && mv '${notes}/new' '${notes}/given'`;
  writeFileSync(browser, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const env = accountAt(api.url, { BROWSER: browser, ...variables });
  const km = startKm(['dashboard'], env);
  const link = await until('the link is printed', () => /http:\S+(?=\n)/.exec(km.stderr())?.[0] ?? '');
  const note = (name: string): string =>
    existsSync(join(notes, name)) ? readFileSync(join(notes, name), 'utf8').trim() : '';
  const pages = (): string[] =>
    readdirSync(env['HOME'] ?? '').filter((name) => name.startsWith('km-dashboard-'));
  return { km, env, link, note, pages, given: () => until('the browser is opened', () => note('given')) };
}

test('the browser is given a page of this user alone, and neither the link nor a secret of km', async () => {
  const { env, link, note, given } = await startDashboard({ KM_CACHE_KEY: 'sealed-with-this' });
  const page = fileURLToPath(await given());
  expect(page).not.toContain(new URL(link).pathname.slice('/open/'.length));
  expect(statSync(page).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(page)).mode & 0o777).toBe(0o700);
  // A browser in a snap reads no hidden folder, and has a /tmp of its own.
  expect(page.slice(env['HOME']?.length)).toMatch(/^\/km-dashboard-\w+\/open\.html$/);
  expect(readFileSync(page, 'utf8')).toContain(link);
  expect(note('env')).toContain('HOME=');
  expect(note('env')).not.toContain(API_KEY);
  expect(note('env')).not.toContain('sealed-with-this');
});

test('the page is gone once the link was used', async () => {
  const { link, given, pages } = await startDashboard();
  await given();
  expect(pages()).toHaveLength(1);
  expect((await fetch(link, { redirect: 'manual' })).status).toBe(303);
  await until('the page is gone', () => pages().length === 0);
});

test('the page is gone with the dashboard', async () => {
  const { km, given, pages } = await startDashboard();
  await given();
  expect(pages()).toHaveLength(1);
  km.child.kill('SIGTERM');
  expect(await km.ended).toEqual({ code: 0, signal: null });
  expect(pages()).toEqual([]);
});

test.each(['SSH_CONNECTION', 'CODESPACES', 'REMOTE_CONTAINERS', 'VSCODE_IPC_HOOK_CLI'])(
  'with %s the browser is on another machine, which has no such page: the printed link is the way',
  async (variable) => {
    const { km, link, note, pages } = await startDashboard({ [variable]: 'set' });
    // It answers once it has opened what it opens.
    expect((await fetch(new URL('/', link))).status).toBe(403);
    expect(pages()).toEqual([]);
    expect((await fetch(link, { redirect: 'manual' })).status).toBe(303);
    km.child.kill('SIGTERM');
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(note('given')).toBe('');
  },
);

test('what a killed dashboard left goes with the next one, and nothing of one that runs', async () => {
  const killed = await startDashboard();
  await killed.given();
  killed.km.child.kill('SIGKILL');
  await killed.km.ended;
  const [left] = killed.pages();
  expect(left).toBeDefined();
  const HOME = killed.env['HOME'] ?? '';
  const foreign = join(HOME, 'km-dashboard-notes');
  mkdirSync(foreign);

  const running = await startDashboard({ HOME });
  await running.given();
  expect(running.pages()).not.toContain(left);
  const beside = await startDashboard({ HOME });
  await beside.given();
  expect(beside.pages()).toHaveLength(3);
  expect((await fetch(running.link, { redirect: 'manual' })).status).toBe(303);
  await until('its page is gone', () => running.pages().length === 2);
  expect(existsSync(foreign)).toBe(true);
});

test('where no page can be written the printed link is the way', async () => {
  const { km, link } = await startDashboard({ HOME: '/nowhere', KM_CONFIG_DIR: temporaryFolder() });
  await until('it says so', () => km.stderr().replaceAll(/\s+/g, ' ').includes('open the link by hand'));
  expect((await fetch(link, { redirect: 'manual' })).status).toBe(303);
});

test.skipIf(CHROMIUM === undefined)(
  'the page leads a real browser to the dashboard',
  { timeout: 120_000 },
  async () => {
    const { link, given } = await startDashboard();
    const page = await openChromium();
    await page.goto(await given());
    await page.getByRole('heading', { name: 'default' }).waitFor();
    expect(page.url()).toBe(`${new URL(link).origin}/`);
  },
);
