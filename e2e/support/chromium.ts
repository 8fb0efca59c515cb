import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Nothing leaves this machine, whatever a page asks for.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

/** Debian's Chromium; `undefined` where it is not installed. */
export const CHROMIUM = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** What it may take to start, or to come to what is waited for: on a busy machine that is long. */
const CHROMIUM_LIMIT_MS = 100_000;

/** A page in a real Chromium without a screen; it ends with the test. */
export async function openChromium(): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM ?? 'chromium',
    headless: true,
    args: ARGUMENTS,
    timeout: CHROMIUM_LIMIT_MS,
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(CHROMIUM_LIMIT_MS);
  return page;
}
