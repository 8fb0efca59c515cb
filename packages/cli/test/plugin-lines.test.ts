import { expect, test } from 'vitest';
import { pluginLines } from '../src/plugins/plugin-lines.js';

const plugin = (name: string, tier: string | null, size: number | null) => ({
  ...{ name, version: '3.0.0', tier, size, url: null, hash: null },
});
const PLUGINS = [plugin('compliance-reporter', 'enterprise', 123), plugin('logger', null, 2_048)];

test('plugins are in columns where these fit, and otherwise have a line for the name', () => {
  expect(pluginLines(PLUGINS, 80)).toEqual([
    'compliance-reporter  3.0.0  enterprise  123 B',
    'logger               3.0.0              2.0 KiB',
  ]);
  expect(pluginLines(PLUGINS, 40)).toEqual([
    'compliance-reporter',
    '  3.0.0  enterprise  123 B',
    'logger',
    '  3.0.0              2.0 KiB',
  ]);
});

test('what a terminal would obey is in no line', () => {
  expect(pluginLines([plugin('a\u001b[2Jb', null, null)], 80).join('')).not.toContain('\u001b');
});
