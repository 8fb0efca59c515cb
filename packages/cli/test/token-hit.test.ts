import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { plainTokenFlags, type PlainTokenFlags } from '../src/token-hit/plain-token-flags.js';
import { userWithToken } from './support/user-with-token.js';

describe('flags that a hit can do with', () => {
  test.each<[string, Partial<PlainTokenFlags>]>([
    ['', { format: 'raw', minValid: 0 }],
    ['--scope monitoring --format json', { scope: 'monitoring', format: 'json' }],
    ['--scope=a=b --profile=work --endpoint https://x.example', { scope: 'a=b', profile: 'work' }],
    ['--min-valid 60s --format=k8s', { minValid: 60_000, format: 'k8s', mayBeOver: false }],
    ['--offline-lifetime 8h', { mayBeOver: true }],
  ])('%j is plain', (line, flags) => {
    expect(plainTokenFlags(line.split(' ').filter((word) => word !== ''))).toMatchObject(flags);
  });

  test.each([
    '--help',
    '-h',
    'get',
    '--',
    '--scope',
    '--scope=',
    '--scope --format json',
    '--scope a --scope b',
    '--format git get',
    '--format docker',
    '--format yaml',
    '--min-valid soon',
    '--offline-lifetime soon',
    '--offline-lifetime 31d',
    '--offline-lifetime 8h --format k8s',
    '--scop a',
    '--host example.com',
  ])('%j is for the parser of all of km', (line) => {
    expect(plainTokenFlags(line.split(' '))).toBeUndefined();
  });
});

describe('a hit', () => {
  test('is what is at hand, good, and not due', async () => {
    const { find, clock } = await userWithToken();
    expect(await find()).toBe('the-token');
    expect(await find({}, { format: 'header' })).toBe('Authorization: Bearer the-token');
    await clock.advance(54 * 60_000);
    expect(await find()).toBe('the-token');
    await clock.advance(2 * 60_000);
    expect(await find()).toBeUndefined();
    expect(await find({ KM_REFRESH_AHEAD: '1m' })).toBe('the-token');
    await clock.advance(10 * 60_000);
    expect(await find({ KM_REFRESH_AHEAD: '1m' })).toBeUndefined();
  });

  test('is nothing that is for somebody else, or for something else', async () => {
    const { find } = await userWithToken();
    expect(await find({}, { scope: 'plugins' })).toBeUndefined();
    expect(await find({}, { profile: 'other' })).toBeUndefined();
    expect(await find({}, { endpoint: 'https://other.example' })).toBeUndefined();
    expect(await find({ KILOMETERS_API_KEY: 'another' })).toBeUndefined();
    expect(await find({}, { minValid: 3_600_001 })).toBeUndefined();
  });

  test('is nothing where the rest of km has something to say or to do', async () => {
    const { find, folder } = await userWithToken();
    for (const yes of ['true', '1']) expect(await find({ KM_DEBUG: yes })).toBeUndefined();
    for (const no of ['false', '0', '']) expect(await find({ KM_DEBUG: no })).toBe('the-token');
    expect(await find({ KM_NO_TOKEN_CACHE: '1' })).toBeUndefined();
    await expect(find({ KM_REFRESH_AHEAD: '2d' })).rejects.toMatchObject({ code: 'KM_AUTH_INVALID_OPTION' });
    writeFileSync(join(folder, '.auth_cache'), 'garbage', { mode: 0o600 });
    expect(await find()).toBeUndefined();
  });

  test('is there where the environment says no to another place for tokens', async () => {
    const { find } = await userWithToken();
    for (const no of ['0', 'false', '']) expect(await find({ KM_NO_TOKEN_CACHE: no })).toBe('the-token');
    expect(await find({ KM_CACHE_URL: '  ' })).toBe('the-token');
    expect(await find({ KM_CACHE_URL: 'redis://fleet' })).toBeUndefined();
  });

  test('says what it repaired, for nobody else will', async () => {
    const { find, folder, told } = await userWithToken();
    chmodSync(join(folder, '.auth_cache'), 0o644);
    expect(await find()).toBe('the-token');
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('.auth_cache');
  });

  test('says it as well where there is no token, and of the folder', async () => {
    const { find, folder, told } = await userWithToken();
    chmodSync(join(folder, '.auth_cache'), 0o644);
    chmodSync(folder, 0o777);
    expect(await find({}, { scope: 'plugins' })).toBeUndefined();
    expect(told).toEqual([
      expect.stringMatching(/entered by other users \(mode 777\): it is 700 now$/),
      expect.stringMatching(/[.]auth_cache could be read by other users \(mode 644\): it is 600 now$/),
    ]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });
});
