import { homedir } from 'node:os';
import { expect, test, vi } from 'vitest';
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

test.each([
  ['who has none', () => ''],
  [
    'who is not in the user database',
    () => {
      throw new Error('uv_os_homedir returned ENOENT');
    },
  ],
])('a user %s has no configuration', (_who, homedir) => {
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue({ homedir });

  expect(configFolder({})).toBeUndefined();
});
