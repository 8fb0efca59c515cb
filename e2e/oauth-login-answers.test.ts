import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { environment, runKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import {
  at,
  callback,
  isClosed,
  kilometersFolder,
  logInByWeb,
  startWebLogin,
  WEB,
} from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { CTRL_C, startOnTerminal } from './support/terminal.js';
import { until } from './support/until.js';
import { WebPerson } from './support/web-person.js';

const HEARS_SIGNAL = fileURLToPath(new URL('support/hears-signal.cjs', import.meta.url));

const stateOf = (link: string): string => new URL(link).searchParams.get('state') ?? '';

describe('km auth login --issuer --web', () => {
  test.each([
    ['of another login', { code: 'stolen', state: 'another' }],
    ['without a state', { code: 'stolen' }],
    ['that refuses, of another login', { error: 'access_denied', state: 'another' }],
  ] as readonly (readonly [string, Record<string, string>])[])(
    'an answer %s is not believed; that of the person still is',
    async (_what, parameters) => {
      const server = await startOAuthServer({ clients: [CLI] });
      const { km, link } = await startWebLogin([...at(server), ...WEB], environment());
      expect((await fetch(callback(link, parameters))).status).toBe(400);
      await until('km says so', () => km.stderr().includes('belongs to another login'));
      await new WebPerson().answer(link);
      expect(await km.ended).toMatchObject({ code: 0 });
    },
  );

  test('an answer of another issuer ends it, and the code goes to nobody', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const env = environment();
    const { km, link } = await startWebLogin([...at(server), ...WEB], env);
    const page = await fetch(
      callback(link, { code: 'x', state: stateOf(link), iss: 'https://evil.example' }),
    );
    expect(page.status).toBe(400);
    expect(await km.ended).toMatchObject({ code: 1 });
    expect(km.stderr()).toMatch(/not one of http:\S+ \(unexpected "iss".*nothing was stored\n$/s);
    expect(server.seen.filter(({ path }) => path === '/token')).toEqual([]);
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });

  test('that the person cancels says what the server said, and stores nothing', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const env = environment();
    const { km, link } = await startWebLogin([...at(server), ...WEB], env);
    const page = await new WebPerson().answer(link, 'deny');
    expect(page).toMatchObject({ status: 400, text: expect.stringContaining('did not work out') as string });
    expect(await km.ended).toMatchObject({ code: 1 });
    expect(km.stderr()).toMatch(/access_denied \(End-User aborted interaction\).*nothing was stored\n$/s);
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });

  test('the same answer a second time finds nobody there, and does the login no harm', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env, page } = await logInByWeb([...at(server), ...WEB]);
    expect(await isClosed(new URL(page.url))).toBe(true);
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(0);
  });

  test('a port that is taken is named', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const server = await startOAuthServer({ clients: [CLI] });
    const redirect = `http://127.0.0.1:${String(port)}/callback`;
    const run = await runKm(['auth', 'login', ...at(server), ...WEB, '--redirect-uri', redirect]);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain(`127.0.0.1:${String(port)} (another program has this port`);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s gives it up, closes the port and leaves nothing behind', async (signal, code) => {
    const server = await startOAuthServer({ clients: [CLI] });
    const env = environment();
    const { km, link } = await startWebLogin([...at(server), ...WEB], env);
    km.child.kill(signal);
    expect(await km.ended).toEqual({ code, signal: null });
    expect(km.stderr()).toMatch(/km: the login was given up; nothing was stored\n$/);
    expect(await isClosed(callback(link, {}))).toBe(true);
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });

  test('on a terminal the program that BROWSER names is given the link, and Ctrl-C gives up', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const folder = temporaryFolder();
    const browser = join(folder, 'browser');
    writeFileSync(browser, `#!/bin/sh\nprintf '%s' "$1" > ${folder}/link\n`, { mode: 0o755 });
    const env = environment({ BROWSER: browser });
    const km = startOnTerminal(['auth', 'login', ...at(server), ...WEB], { env, columns: 400 });
    await km.shows('your browser is being opened');
    const link = await until('the browser', () =>
      existsSync(join(folder, 'link')) ? readFileSync(join(folder, 'link'), 'utf8') : '',
    );
    await km.shows(link);
    km.type(CTRL_C);
    expect(await km.ended).toMatchObject({ code: 130 });
    expect(km.shown()).toContain('the login was given up; nothing was stored');
    expect(await isClosed(callback(link, {}))).toBe(true);
  });

  test('a token that is granted in the moment of giving up is given back', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    let sendAnswer = (): void => undefined;
    server.next({ until: new Promise<void>((resolve) => (sendAnswer = resolve)) });
    const env = environment({ NODE_OPTIONS: `--require=${HEARS_SIGNAL}` });
    const { km, link } = await startWebLogin([...at(server), ...WEB], env);
    const answered = new WebPerson().answer(link);
    await until('the code is sent', () => server.seen.some(({ path }) => path === '/token'));
    km.child.kill('SIGINT');
    await until('km has heard it', () => km.stderr().includes('SIGINT was heard'));
    sendAnswer();
    await answered;
    expect(await km.ended).toMatchObject({ code: 130 });
    expect(server.revoked()).toBe(1);
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });
});
