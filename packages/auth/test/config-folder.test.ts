import { homedir } from 'node:os';
import { expect, test } from 'vitest';
import { configFolder } from '../src/caches/file/config-folder.js';

test.each([
  [{ KM_CONFIG_DIR: '/own', XDG_CONFIG_HOME: '/shared', HOME: '/home/u' }, '/own'],
  [{ KM_CONFIG_DIR: '', XDG_CONFIG_HOME: '/shared', HOME: '/home/u' }, '/shared/kilometers'],
  [{ XDG_CONFIG_HOME: '', HOME: '/home/u' }, '/home/u/.config/kilometers'],
  [{ HOME: '' }, `${homedir()}/.config/kilometers`],
  [{}, `${homedir()}/.config/kilometers`],
])('with %j the configuration is in %s', (environment, folder) => {
  expect(configFolder(environment)).toBe(folder);
});

test('a user without a home has no configuration', () => {
  const homeless = (homedir: () => string): string | undefined => {
    const original = process.getBuiltinModule;
    process.getBuiltinModule = (() => ({ homedir })) as unknown as typeof process.getBuiltinModule;
    try {
      return configFolder({});
    } finally {
      process.getBuiltinModule = original;
    }
  };

  expect(homeless(() => '')).toBeUndefined();
  expect(
    homeless(() => {
      throw new Error('uv_os_homedir returned ENOENT');
    }),
  ).toBeUndefined();
});
