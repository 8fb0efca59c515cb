import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deviceApi } from './support/device-api.js';
import { answerOnPage, userCodeIn } from './support/device-page.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, runKm } from './support/km.js';
import { CTRL_C, startOnTerminal } from './support/terminal.js';
import { until } from './support/until.js';

describe('km auth login on a terminal', () => {
  /** A program that is named as the one that opens links, and notes what it is to open. */
  function browserIn(folder: string): { readonly path: string; readonly opened: () => string } {
    const file = join(folder, 'opened');
    writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > '${file}'\n`, { mode: 0o755 });
    return {
      path: `${folder}:${process.env['PATH'] ?? ''}`,
      opened: () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
    };
  }

  test('without flags there is a menu, and Enter takes the browser; it is opened', async () => {
    const { api, env } = await deviceApi();
    const browser = browserIn(temporaryFolder());
    const km = startOnTerminal(['auth', 'login'], { env: { ...env, PATH: browser.path, DISPLAY: ':9' } });
    await km.shows('How do you want to log in?');
    km.type('9\r');
    await km.shows('That is none of them');
    km.type('\r');
    const code = await until('the code', () => userCodeIn(km.shown()) ?? '');
    await until('the browser', () => browser.opened() === `${api.url}/device?user_code=${code}`);
    await km.shows(/waiting for you to approve it \(\d/);
    await answerOnPage(api, code, 'approve');
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0 });
  });

  test.each([
    ['no display', {}],
    ['ssh', { DISPLAY: ':9', SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' }],
  ])('with %s no browser is opened', async (_, variables) => {
    const { env } = await deviceApi();
    const browser = browserIn(temporaryFolder());
    const km = startOnTerminal(['auth', 'login', '--device'], {
      env: { ...env, PATH: browser.path, ...variables },
    });
    await km.shows('Ctrl-C gives up');
    await km.shows('waiting for you');
    km.type(CTRL_C);
    expect(await km.ended).toMatchObject({ code: 130 });
    expect(browser.opened()).toBe('');
  });

  test('the menu has the API key, which is typed unseen', async () => {
    const { env } = await deviceApi();
    const km = startOnTerminal(['auth', 'login'], { env });
    await km.shows('Type a number');
    km.type('2\r');
    await km.shows('Paste the API key');
    km.type(`${API_KEY}\r`);
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(km.shown()).toContain('is logged in to');
    expect(km.shown()).not.toContain(API_KEY);
  });

  test.each(['menu', 'key'])('Ctrl-C at the %s ends it', async (where) => {
    const { env, folder } = await deviceApi();
    const km = startOnTerminal(['auth', 'login'], { env });
    await km.shows('Type a number');
    if (where === 'key') {
      km.type('2\r');
      await km.shows('Paste the API key');
    }
    km.type(CTRL_C);
    const { code, signal } = await km.ended;
    expect(code ?? signal).toBe(130);
    expect(existsSync(folder)).toBe(false);
  });
});
