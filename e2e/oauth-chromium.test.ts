import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { CHROMIUM, openChromium } from './support/chromium.js';
import { temporaryFolder } from './support/folder.js';
import { environment, runKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, kilometersFolder } from './support/oauth-km.js';
import { startOAuthServer, type OAuthServer } from './support/oauth-server.js';
import { startOnTerminal } from './support/terminal.js';
import { until } from './support/until.js';

/** The page that a login ends on. */
const CALLBACK = /^http:\/\/127\.0\.0\.1:\d+\/callback/;

/** `km auth login --web` on a terminal, with a `BROWSER` that notes the link for the one without a screen. */
async function startOnTerminalWithBrowser(server: OAuthServer) {
  const file = join(temporaryFolder(), 'link');
  const browser = `${file}.sh`;
  writeFileSync(browser, `#!/bin/sh\nprintf '%s' "$1" > '${file}.new' && mv '${file}.new' '${file}'\n`, {
    mode: 0o755,
  });
  const env = environment({ BROWSER: browser });
  const args = ['auth', 'login', ...at(server), '--web', '--scope', 'openid offline_access read'];
  const km = startOnTerminal(args, { env });
  const link = await until('the browser is opened', () =>
    existsSync(file) ? readFileSync(file, 'utf8') : '',
  );
  return { km, env, link };
}

async function signIn(page: Page, link: string): Promise<void> {
  await page.goto(link, { waitUntil: 'domcontentloaded' });
  await page.fill('input[name="login"]', 'somebody');
  await page.fill('input[name="password"]', 'any');
  await page.click('button[type="submit"]');
  await page.waitForSelector('input[name="prompt"][value="consent"]', { state: 'attached' });
}

describe.skipIf(CHROMIUM === undefined)('a login in a real browser', () => {
  test(
    'ends on a page that says so, and tokens come from then on without it',
    { timeout: 300_000 },
    async () => {
      const server = await startOAuthServer({ clients: [CLI], tokenTtl: 1 });
      const { km, env, link } = await startOnTerminalWithBrowser(server);
      const page = await openChromium();
      const complaints: string[] = [];
      page.on('console', (message) => {
        // What the pages of the issuer ask for in vain may come in at any time until then.
        if (CALLBACK.test(page.url()) && !message.location().url.endsWith('/favicon.ico'))
          complaints.push(message.text());
      });
      await signIn(page, link);
      await page.click('button[type="submit"]');

      await page.waitForURL(CALLBACK);
      expect(await page.title()).toBe('You are logged in');
      expect(await page.textContent('p')).toContain('You can close this tab');
      // Its own style is let through, and nothing else is asked for but an icon, which is not there.
      expect(complaints).toEqual([]);
      expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).toBe('512px');
      expect(await km.ended).toMatchObject({ code: 0 });
      expect(km.shown()).toMatch(/profile default is logged in to/);
      for (const round of [1, 2])
        expect({ round, ...(await runKm(['auth', 'refresh'], { env })) }).toMatchObject({ code: 0 });
      expect(server.revoked()).toBe(0);

      // Going back and reloading finds nobody there, and ends nothing.
      await page.reload().catch(() => undefined);
      expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
    },
  );

  test(
    'that the person cancels ends on a page that says so, and stores nothing',
    { timeout: 300_000 },
    async () => {
      const server = await startOAuthServer({ clients: [CLI] });
      const { km, env, link } = await startOnTerminalWithBrowser(server);
      const page = await openChromium();
      await signIn(page, link);
      await page.click('a[href$="/abort"]');

      await page.waitForURL(CALLBACK);
      expect(await page.title()).toBe('The login did not work out');
      expect(await km.ended).toMatchObject({ code: 1 });
      expect(km.shown().replace(/\s+/g, ' ')).toContain('access_denied (End-User aborted interaction)');
      expect(existsSync(kilometersFolder(env))).toBe(false);
    },
  );
});
