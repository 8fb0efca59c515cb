import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@kilometers/auth';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CliError } from '../src/cli-error.js';
import { changeConfiguration, withProfile } from '../src/config/change-configuration.js';
import { readConfiguration } from '../src/config/read-configuration.js';

/** A configuration folder with `text` as its `config.json`. */
function folderWith(text?: string | Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), 'km-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'config.json');
  if (text !== undefined) writeFileSync(path, text, { mode: 0o600 });
  const environment = { KM_CONFIG_DIR: folder };
  return { folder, path, environment, context: { environment, clock: systemClock, random: () => 0.5 } };
}

function failureOf(text: string | Uint8Array): string {
  const { environment, path } = folderWith(text);
  try {
    readConfiguration(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(CliError);
    return (error as CliError).message.replace(path, 'config.json');
  }
  throw new Error(`it was read: ${Buffer.from(text).toString()}`);
}

const WHOLE = `{
  "version": 1,
  "activeProfile": "work",
  "theme": "dark",
  "profiles": {
    "work": {
      "apiEndpoint": "https://api.example/v2",
      "refreshAhead": "10m",
      "maxRetries": 0,
      "provider": { "issuer": "https://id.example", "clientId": "km", "audience": "x" },
      "colour": "red"
    }
  }
}
`;

describe('config.json', () => {
  test('has profiles, each with its settings, and the active one', () => {
    const { activeProfile, profiles } = readConfiguration(folderWith(WHOLE).environment);
    expect(activeProfile).toBe('work');
    expect(profiles.get('work')).toEqual({
      apiEndpoint: 'https://api.example/v2',
      provider: { issuer: 'https://id.example', clientId: 'km', audience: 'x' },
      refresh: { refreshAheadMs: 600_000, maxRetries: 0 },
    });
  });

  test.each([
    ['no file', undefined],
    ['nothing in it', ''],
    ['spaces in it', ' \n'],
    ['no members', '{}'],
    ['a byte order mark before it', '\ufeff{"profiles":{}}'],
  ])('says nothing with %s', (_, text) => {
    const { environment } = folderWith(text);
    expect(readConfiguration(environment)).toMatchObject({ activeProfile: undefined, profiles: new Map() });
  });

  test.each([
    ['{', '1:2: the file ends too early'],
    ['{\n  "version": 1,\n}\n', '3:1: a name in double quotes is expected here'],
    ['{"a" 1}', '1:6: a colon is expected here'],
    ['{"a": 1 "b": 2}', '1:9: a comma or } is expected here'],
    ['{\r\n"a": tru}', '2:6: a value is expected here'],
    ['{"é": "\\x"}', '1:7: this text is not closed, or has a character that needs a backslash'],
    ['{} {}', '1:4: there is more after the end of the document'],
    ['[]', '1:1: the file must be an object in braces'],
    ['{"profiles":\n []}', '2:2: profiles: it must be an object in braces'],
    ['{"profiles": {"a": {}, "-x": {}}}', '1:30: profiles.-x: the name of a profile has'],
    [
      '{"profiles": {"a": {"refreshAhead": 5}}}',
      '1:37: profiles.a.refreshAhead: it must be a duration in quotes',
    ],
    ['{"profiles": {"a": {"maxRetries": "3"}}}', 'profiles.a.maxRetries: it must be a whole number from 0'],
    ['{"profiles": {"a": {"apiEndpoint": "http://b.example"}}}', 'use https'],
    ['{"profiles": {"a": {"provider": {}}}}', '1:33: profiles.a.provider.issuer: it must be a URL'],
    ['{"activeProfile": "../x"}', '1:19: activeProfile: the name of a profile'],
    ['{"version": "one"}', '1:13: version: the version must be 1'],
    ['['.repeat(100_000), '1:66: it is nested too deeply'],
    [new Uint8Array([0x7b, 0xff, 0x7d]), 'is no text in UTF-8'],
    [' '.repeat(2_000_000), 'is larger than'],
  ])('that is broken is told with line, column and what to do: %#', (text, said) => {
    const message = failureOf(text);
    expect(message).toContain(said);
    expect(message).toMatch(
      /^config\.json(:\d+:\d+:)? [^\n]+; nothing was changed: correct it, or [^\n]+`km init`$/,
    );
  });

  test('of a newer version is left alone', () => {
    expect(failureOf('{"version": 2, "profiles": "elsewhere"}')).toBe(
      'config.json:1:13: it was written by a newer version of km (version 2) and is left alone: update km, or move the file away',
    );
  });

  test('shows no value that is wrong: it could be a secret in the wrong place', () => {
    const secret = 'km_live_misplaced';
    const places = [
      '{"activeProfile": "!S"}',
      '{"profiles": {"a": {"apiEndpoint": "S"}}}',
      '{"version": "S"}',
      '"S',
    ];
    for (const place of places) expect(failureOf(place.replace('S', secret))).not.toContain(secret);
  });

  test('that every user could write is not used', () => {
    const { path, environment } = folderWith(WHOLE);
    chmodSync(path, 0o666);
    expect(() => readConfiguration(environment)).toThrow(/can be written by every user; it is not used/);
  });
});

describe('a change of config.json', () => {
  test('keeps what it does not know, and is readable for this user only', async () => {
    const { path, context } = folderWith(WHOLE);
    chmodSync(path, 0o644);
    await changeConfiguration(context, (json) =>
      withProfile(json, 'work', (settings) => ({ ...settings, apiEndpoint: 'https://new.example' })),
    );
    const written: unknown = JSON.parse(readFileSync(path, 'utf8'));
    expect(written).toEqual(
      JSON.parse(WHOLE.replace('https://api.example/v2', 'https://new.example')) as unknown,
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('that changes nothing writes nothing', async () => {
    const { path, context } = folderWith(WHOLE);
    await changeConfiguration(context, (json) => withProfile(json, 'work', (settings) => settings));
    expect(readFileSync(path, 'utf8')).toBe(WHOLE);
  });

  test('follows a link, and the link stays', async () => {
    const { folder, path, context, environment } = folderWith();
    const elsewhere = folderWith('{"profiles": {}}');
    symlinkSync(elsewhere.path, path);
    await changeConfiguration(context, (json) => ({ ...json, activeProfile: 'work' }));
    expect(readConfiguration(environment).activeProfile).toBe('work');
    expect(JSON.parse(readFileSync(elsewhere.path, 'utf8'))).toMatchObject({ activeProfile: 'work' });
    expect(folder).not.toBe(elsewhere.folder);
  });

  test('refuses a file that says something twice, since one of the two would be lost', async () => {
    const twice = '{"profiles": {"a": {}},\n "profiles": {"b": {}}}';
    const { path, context } = folderWith(twice);
    await expect(changeConfiguration(context, (json) => ({ ...json, activeProfile: 'b' }))).rejects.toThrow(
      ':2:2: this name is there twice',
    );
    expect(readFileSync(path, 'utf8')).toBe(twice);
  });

  test('forty at once lose none', async () => {
    const { context, environment } = folderWith();
    const names = Array.from({ length: 40 }, (_, index) => `p${index}`);
    await Promise.all(
      names.map((name) =>
        changeConfiguration(context, (json) => withProfile(json, name, (settings) => ({ ...settings }))),
      ),
    );
    expect([...readConfiguration(environment).profiles.keys()].sort()).toEqual(names.sort());
  });

  /** Garbage of every kind: bytes, texts, documents, and a whole file that was damaged somewhere. */
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .record(
        {
          version: fc.anything(),
          activeProfile: fc.anything(),
          profiles: fc.dictionary(
            fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'a')),
            fc.object({ key: fc.constantFrom('apiEndpoint', 'provider', 'refreshAhead', 'maxRetries', 'x') }),
          ),
        },
        { requiredKeys: [] },
      )
      .map((document) => Buffer.from(JSON.stringify(document))),
    fc
      .tuple(fc.nat({ max: WHOLE.length - 1 }), fc.nat({ max: 255 }), fc.boolean())
      .map(([at, byte, isCut]) => {
        const bytes = Buffer.from(WHOLE);
        bytes[at] = byte;
        return isCut ? bytes.subarray(0, at) : bytes;
      }),
  );

  const runs = process.env['KM_ALL_STORMS'] === '1' ? 100 : 1;

  test('of garbage never overwrites it, and says where it is wrong; what it can read it keeps', async () => {
    const { path, context, environment } = folderWith();
    await fc.assert(
      fc.asyncProperty(garbage, async (bytes) => {
        writeFileSync(path, bytes);
        const change = changeConfiguration(context, (json) => ({ ...json, activeProfile: 'changed' }));
        const failure = await change.then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure === undefined) {
          const after: unknown = JSON.parse(readFileSync(path, 'utf8'));
          expect(after).toEqual({ version: 1, ...documentIn(bytes), activeProfile: 'changed' });
          expect(readConfiguration(environment).activeProfile).toBe('changed');
        } else {
          expect(failure).toBeInstanceOf(CliError);
          expect((failure as Error).message).toMatch(/config\.json(:\d+:\d+:)? .*(move|correct)/);
          expect(readFileSync(path)).toEqual(Buffer.from(bytes));
        }
      }),
      { numRuns: 100 * runs },
    );
  }, 600_000);

  test('is as strict as JSON.parse: what that refuses has a line and a column', () => {
    const { path, environment } = folderWith();
    fc.assert(
      fc.property(garbage, (bytes) => {
        writeFileSync(path, bytes);
        let message = '';
        try {
          readConfiguration(environment);
        } catch (error) {
          expect(error).toBeInstanceOf(CliError);
          ({ message } = error as CliError);
        }
        const isRead = message === '';
        if (isRead) expect(() => documentIn(bytes)).not.toThrow();
        else expect(message).toMatch(/config\.json(:\d+:\d+:| is no text in UTF-8)/);
      }),
      { numRuns: 1_000 * runs },
    );
  }, 600_000);
});

/** The document in a file, read in the plainest way. */
function documentIn(bytes: Uint8Array): object {
  const text = Buffer.from(bytes)
    .toString()
    .replace(/^\ufeff/, '')
    .trim();
  return text === '' ? {} : (JSON.parse(text) as object);
}
