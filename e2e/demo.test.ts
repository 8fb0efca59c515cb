import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { environment, start } from './support/km.js';
import { until } from './support/until.js';

const ROOT = new URL('../', import.meta.url);

/** What `npm start` runs, once it has built. */
function demoProgram(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
  const { scripts } = manifest as { readonly scripts: { readonly start: string } };
  const [, path = ''] = /^node (\S+)$/.exec(scripts.start) ?? [];
  return fileURLToPath(new URL(path, ROOT));
}

/** The lines of the demo that its picture shows; `…` stands for what was left out. */
function linesInPicture(): string[] {
  const picture = readFileSync(new URL('docs/demo.svg', ROOT), 'utf8');
  const texts = [...picture.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, text = '']) => text);
  const plain = texts.map((text) => text.replaceAll(/<[^>]*>/g, '').replaceAll('&gt;', '>'));
  return plain.map((text) => text.replaceAll('\u00a0', ' ')).filter((text) => text !== '…');
}

/** A line without its numbers, which differ from run to run. */
function shapeOf(line: string): string {
  return line
    .trim()
    .replace(/\b[0-9a-f]{8}\b/g, '#')
    .replace(/\d[\d.]*/g, '#')
    .replace(/ +/g, ' ');
}

function startDemo(...args: readonly string[]) {
  return start(process.execPath, [demoProgram(), ...args], environment());
}

function countOf(output: string, name: string): number {
  return Number(new RegExp(`^ +${name} +(\\d+)$`, 'm').exec(output)?.[1]);
}

describe('the demo', () => {
  test('shows the promise kept, and exits with 0', { timeout: 120_000 }, async () => {
    // CI also runs it as long as `npm start` does.
    const demo = startDemo('--seconds', '24');
    expect(await demo.ended).toEqual({ code: 0, signal: null });
    const output = demo.stdout().toString();
    expect(demo.stderr()).toBe('');
    expect(output).toMatch(/token {3}[0-9a-f]{8} -> [0-9a-f]{8} refreshed/);
    expect(output).toMatch(/events {2}10 delivered in \d+ ms/);
    expect(output).toMatch(/api {5}stopped[^]*api {5}runs again/);
    expect(output).toContain('The promise was kept');
    expect(countOf(output, 'MCP messages through km')).toBeGreaterThan(60);
    expect(countOf(output, 'events stored by the API')).toBe(countOf(output, 'MCP messages through km'));
    expect(countOf(output, 'token refreshes')).toBeGreaterThan(3);
    expect(countOf(output, 'requests that failed for authentication')).toBe(0);

    const shapes = output.split('\n').map(shapeOf);
    const shown = linesInPicture();
    expect(shown.length).toBeGreaterThan(20);
    for (const line of shown) expect(shapes, line).toContain(shapeOf(line));
  });

  test('prints plain lines where there is no terminal, and never a token', async () => {
    const demo = startDemo('--seconds', '1');
    await demo.ended;
    const output = demo.stdout().toString();
    expect(output).not.toContain('\u001b');
    expect(output).not.toMatch(/eyJ|km_live_/);
  });

  test('says that the port is taken', async () => {
    const api = await startApi();
    const demo = startDemo('--port', String(api.port));
    expect(await demo.ended).toEqual({ code: 1, signal: null });
    expect(demo.stderr()).toMatch(/^demo: port \d+ [^\n]*already in use[^\n]*\n$/);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends cleanly on %s, with %i', async (signal, code) => {
    const demo = startDemo();
    await until('the first calls', () => demo.stdout().includes('tools/call'));
    demo.child.kill(signal);
    expect(await demo.ended).toEqual({ code, signal: null });
    expect(demo.stderr()).toBe('');
    expect(demo.stdout().toString()).not.toContain('FAILED');
  });
});
