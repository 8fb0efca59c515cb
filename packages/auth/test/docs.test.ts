import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { authConfigFromEnvironment, createAuthManager } from '../src/index.js';
import { explainOAuthError, oauthRefusalError } from '../src/providers/oauth/oauth-refusal.js';
import { entitlementsSettings } from '../src/entitlements-settings.js';
import { DEFAULT_REFRESH_SETTINGS } from '../src/refresh-policy.js';
import { refreshSettings } from '../src/refresh-settings.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The cells of each table row of a page whose first cell is `code` of the given form. */
function rowsOf(page: string, form: RegExp): string[][] {
  return read(page)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
    .filter(([first = '']) => form.test(first));
}

function codeIn(cell: string | undefined): string[] {
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

function matches(text: string, form: RegExp): string[] {
  return [...text.matchAll(form)].map(([, found = '']) => found);
}

function sorted(list: Iterable<string>): string[] {
  return [...new Set(list)].sort();
}

function sourcesUnder(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(join(folder, file)))
    .join('\n');
}

test('docs/errors.md lists exactly the error codes, each with the exit code that km has for it', () => {
  const codes = matches(read('packages/auth/src/auth-error.ts'), /^ {2}\| '(KM_AUTH_[A-Z_]+)'/gm);
  const rows = rowsOf('docs/errors.md', /^`KM_/);
  const exits: Readonly<Record<string, string>> = {
    loginRequired: '4',
    tryLater: '75',
    usage: '2',
    failed: '1',
  };
  const ofKm = read('packages/cli/src/exit-code.ts');

  expect(codes).not.toEqual([]);
  expect(rows.map(([code]) => codeIn(code)[0])).toEqual(codes);
  for (const [code, meaning, remedy, exit] of rows) {
    const [name] = matches(ofKm, new RegExp(`${codeIn(code)[0] ?? ''}: EXIT\\.(\\w+)`, 'g'));
    expect(exit, code).toBe(exits[name ?? '']);
    expect([meaning, remedy], code).not.toContain('');
  }
});

test('docs/errors.md lists exactly the OAuth errors that are explained, each with its code and its words', () => {
  const source = read('packages/auth/src/providers/oauth/oauth-refusal.ts');
  const table = source.slice(source.indexOf('const MEANINGS'), source.indexOf('const SYNONYMS'));
  const errors = matches(table, /^ {2}([a-z_]+): \{/gm);
  const rows = rowsOf('docs/errors.md', /^`[a-z]+_[a-z_]+`$/);

  expect(errors).not.toEqual([]);
  expect(rows.map(([error]) => codeIn(error)[0])).toEqual(errors);
  for (const [cell, code, meaning = '', remedy = ''] of rows) {
    const [error = ''] = codeIn(cell);
    const answer = { status: 400, text: JSON.stringify({ error }), retryAfterMs: undefined };
    const refused = oauthRefusalError({ answer, origin: '', what: '', secrets: [] });
    expect(codeIn(code)[0], error).toBe(refused.code);
    const words = `${meaning}; ${remedy}`.toLowerCase();
    expect(words, error).toBe(explainOAuthError(error)?.toLowerCase());
  }
});

test('docs/oauth-rfcs.md names tests that are there', () => {
  const rows = rowsOf('docs/oauth-rfcs.md', /^\[/);

  expect(rows.length).toBeGreaterThan(15);
  for (const [specification, , shown] of rows) {
    expect(codeIn(shown), specification).not.toEqual([]);
    for (const file of codeIn(shown)) expect(existsSync(join(ROOT, file)), file).toBe(true);
  }
});

test('docs/errors.md names the codes that may be tried again', () => {
  const source = read('packages/auth/src/auth-error.ts');
  const retryable = matches(source.slice(source.indexOf('TRY_LATER')), /^ {2}'(KM_AUTH_[A-Z_]+)',$/gm);
  const [told = ''] = matches(read('docs/errors.md'), /`error\.isRetryable` is true([^.]+)\./g);

  expect(codeIn(told)).toEqual(retryable);
});

test('docs/events.md lists exactly the events, each with exactly its fields', () => {
  const source = read('packages/auth/src/auth-event.ts');
  const bodies = source.slice(source.indexOf('type EventBody'), source.indexOf('export type AuthEvent ='));
  const events = [...bodies.matchAll(/\{[^{}]*type: '([a-z.-]+)'[^{}]*\}/g)].map(([body, type = '']) => {
    const fields = matches(body, /readonly (\w+):/g).filter((field) => field !== 'type');
    return `${type}: ${sorted(fields).join(' ')}`;
  });
  const told = rowsOf('docs/events.md', /^`[a-z]+\.[a-z-]+`$/).map(
    ([type, fields]) => `${codeIn(type)[0] ?? ''}: ${sorted(codeIn(fields)).join(' ')}`,
  );

  expect(events.length).toBe(matches(bodies, /type: '([a-z.-]+)'/g).length);
  expect(sorted(told)).toEqual(sorted(events));
});

test('docs/events.md names every reason of a security event', () => {
  const [union = ''] = matches(read('packages/auth/src/auth-event.ts'), /type SecurityReason =([^;]+);/g);
  const page = read('docs/events.md');

  for (const reason of matches(union, /'([a-z-]+)'/g)) expect(page).toContain(`\`${reason}\``);
});

test('docs/configuration.md lists exactly the environment variables that are read or set', () => {
  const sources = sourcesUnder('packages/auth/src') + sourcesUnder('packages/cli/src');
  const isVariable = (name: string): boolean => !/^KM_(AUTH|LOCAL_API)_/.test(name);
  // In a text, or as a member of the environment of a command.
  const variables = matches(sources, /(?:'|\{ )((?:KM|KILOMETERS|XDG)_[A-Z_]+)(?=[':])/g).filter(isVariable);

  const rows = rowsOf('docs/configuration.md', /^`(KM|KILOMETERS|XDG)_/);

  expect(variables).toEqual(expect.arrayContaining(['KM_CACHE_URL', 'KM_TOKEN_FILE', 'XDG_STATE_HOME']));
  expect(sorted(rows.map(([name]) => codeIn(name)[0] ?? ''))).toEqual(sorted(variables));
});

test('docs/configuration.md names every variable that is read by its name, those of others as well', () => {
  const sources = sourcesUnder('packages/auth/src') + sourcesUnder('packages/cli/src');
  const variables = matches(sources, /(?<=\benv(?:ironment)?\['|\{ )([A-Z_]+)(?='\]| = '')/g);
  const page = read('docs/configuration.md');

  expect(variables).toEqual(expect.arrayContaining(['KUBERNETES_EXEC_INFO', 'BROWSER', 'HOME']));
  for (const name of variables) expect(page, name).toContain(`\`${name}\``);
});

test('docs/configuration.md has the variables that the library reads apart, each with the option that it sets', () => {
  const examples: Readonly<Record<string, string>> = {
    URL: 'https://api.example',
    duration: '7s',
    text: 'x',
    name: 'x',
  };
  const [, ofLibrary = '', ofKm = ''] = read('docs/configuration.md').split(/^### Read by .*$/m);
  const isOfLibrary = (name: string): boolean => ofLibrary.includes(`| \`${name}\` `);
  const rows = rowsOf('docs/configuration.md', /^`(KM|KILOMETERS)_/);

  expect(ofKm).toContain('| `KM_CACHE_URL`');
  for (const [cell, form = '', option] of rows) {
    const [name = ''] = codeIn(cell);
    const before = authConfigFromEnvironment({});
    const after = authConfigFromEnvironment({ [name]: examples[form] ?? '7' });
    const set = Object.entries(after).filter(([key, value]) => before[key as keyof typeof before] !== value);
    expect(
      set.map(([key]) => key),
      name,
    ).toEqual(isOfLibrary(name) ? codeIn(option) : []);
  }
});

test('docs/configuration.md has the default and the range of every number', () => {
  const number = (text: string): number => Number(text.replaceAll(' ', ''));
  const rows = rowsOf('docs/configuration.md', /^`(\w+Ms|maxRetries)`$/).filter(
    (cells) => cells.length === 4,
  );
  const own = Object.keys(DEFAULT_REFRESH_SETTINGS).length;
  const sections = [
    { rows: rows.slice(0, own), defaults: DEFAULT_REFRESH_SETTINGS, check: refreshSettings },
    { rows: rows.slice(own), defaults: entitlementsSettings({}), check: entitlementsSettings },
  ];

  for (const { rows: told, defaults, check } of sections) {
    expect(told.map(([name]) => codeIn(name)[0])).toEqual(Object.keys(defaults));
    for (const [cell, byDefault = '', range = ''] of told) {
      const [name = ''] = codeIn(cell);
      const [min = 0, max = 0] = range.split(' to ').map(number);
      expect(number(byDefault), name).toBe(new Map<string, number>(Object.entries(defaults)).get(name));
      for (const allowed of [min, max]) expect(() => check({ [name]: allowed })).not.toThrow();
      for (const wrong of [min - 1, max + 1]) expect(() => check({ [name]: wrong })).toThrow(name);
    }
  }
});

test('docs/configuration.md lists every other option of createAuthManager', () => {
  const source = read('packages/auth/src/auth-manager-config.ts');
  const options = matches(source, /^ {2}readonly (\w+)\?:/gm);
  const [, section = ''] = read('docs/configuration.md').split('## Options of `createAuthManager`');
  const table = section.split('\n## ')[0] ?? '';

  for (const option of options) expect(table).toContain(`\`${option}\``);
  expect(() => createAuthManager({ profile: 'p'.repeat(64) })).not.toThrow();
  expect(() => createAuthManager({ profile: 'p'.repeat(65) })).toThrow('profile');
});
