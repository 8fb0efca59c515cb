import { expect, test } from 'vitest';
import { placeOfConfig } from '../src/monitor/client-config.js';

test.each<[NodeJS.Platform, string]>([
  ['linux', '~/.config/Claude/claude_desktop_config.json'],
  ['darwin', '~/Library/Application Support/Claude/claude_desktop_config.json'],
  ['win32', '%APPDATA%\\Claude\\claude_desktop_config.json'],
])('where Claude Desktop has its configuration on %s is said', (platform, path) => {
  expect(placeOfConfig('claude', platform)).toContain(path);
});
