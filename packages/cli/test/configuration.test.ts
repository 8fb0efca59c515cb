import { chmodSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CliError } from '../src/cli-error.js';
import { readConfiguration } from '../src/config/read-configuration.js';
import { folderWith, WHOLE } from './support/configuration-folder.js';

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
    [
      '{"profiles": {"a": {"apiEndpoint": "https://h/\\u001b]0;x\\u0007"}}}',
      '1:36: profiles.a.apiEndpoint: it must be a URL without control characters',
    ],
    [
      '{"profiles": {"a": {"provider": {"issuer": "https://h", "clientId": "k\\u009bm"}}}}',
      '1:69: profiles.a.provider.clientId: it must be a text in quotes, without control characters',
    ],
    ['{"profiles":\n []}', '2:2: profiles: it must be an object in braces'],
    ['{"profiles": {"a": {}, "-x": {}}}', '1:30: profiles.-x: the name of a profile has'],
    [
      '{"profiles": {"a": {"refreshAhead": 5}}}',
      '1:37: profiles.a.refreshAhead: it must be a duration in quotes',
    ],
    [
      '{"profiles": {"a": {},\n "b": {"retryInterval": "2d"}}}',
      '2:25: profiles.b.retryInterval: it must be a duration in quotes, such as "30s", "5m" or "1h", from 1ms to 1d',
    ],
    ['{"profiles": {"a": {"checkInterval": "0s"}}}', '1:38: profiles.a.checkInterval: it must be a duration'],
    [
      '{"profiles": {"a": {"maxRetries": 101}}}',
      '1:35: profiles.a.maxRetries: it must be a whole number from 0 to 100',
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
