import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CliError } from '../src/cli-error.js';
import { changeConfiguration, withProfile } from '../src/config/change-configuration.js';
import { readConfiguration } from '../src/config/read-configuration.js';
import { folderWith, WHOLE } from './support/configuration-folder.js';

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
          // As JSON has it: there is no -0 in what is written.
          const kept = JSON.parse(JSON.stringify(documentIn(bytes))) as object;
          expect(after).toEqual({ version: 1, ...kept, activeProfile: 'changed' });
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
