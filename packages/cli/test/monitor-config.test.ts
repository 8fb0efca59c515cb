import { expect, test } from 'vitest';
import { runMonitorConfig } from '../src/commands/monitor-config.js';
import { contextWith, temporaryFolder } from './support/context.js';

const NETWORK = {
  HTTPS_PROXY: 'http://user:password@proxy:1',
  no_proxy: 'localhost',
  NODE_EXTRA_CA_CERTS: '/ca.pem',
  ALL_PROXY: '',
};

test.each([
  ['and says it', false],
  ['and does not say it where nothing is sent', true],
])('a client has nothing of how this shell reaches the network, %s', async (_, local) => {
  const answers: string[] = [];
  const context = contextWith(
    { KM_CONFIG_DIR: temporaryFolder(), ...NETWORK },
    { answer: (text) => Promise.resolve(answers.push(text) > 0) },
  );
  expect(await runMonitorConfig('claude', ['server'], { local }, context)).toBe(0);
  expect(answers.join()).not.toMatch(/proxy|ca\.pem/i);
  const told = context.told.filter((line) => line.includes('of this shell'));
  expect(told).toEqual(
    local
      ? []
      : [
          'km: the client does not have HTTPS_PROXY, NODE_EXTRA_CA_CERTS, no_proxy of this shell: add what the network needs to "env"',
        ],
  );
  expect(context.told.join()).not.toContain('password');
});
