import { expect, test } from 'vitest';
import { environment, start } from './support/km.js';

/** Enough that garbage is collected at every moment of the making of a key, several times. */
const KEYS = 20_000;
const MAKER = `
  import { createOAuthProvider } from '@kilometers/auth';
  const issuer = 'https://login.example';
  const endpoints = { token: 'https://login.example/token' };
  const provider = createOAuthProvider({ issuer, clientId: 'cli', dpop: true, endpoints });
  for (let made = 0; made < ${KEYS}; made += 1) await provider.createProofKey();
  console.log('made');
`;

// Node 20 waits for ever where a key is exported while garbage is collected that the making of that key left.
test(
  'no key to bind tokens to is waited for without end, whenever garbage is collected',
  { timeout: 300_000 },
  async () => {
    const maker = start(
      process.execPath,
      ['--max-semi-space-size=1', '--input-type=module', '-e', MAKER],
      environment(),
    );
    expect(await maker.ended).toEqual({ code: 0, signal: null });
    expect(maker.stdout().toString()).toBe('made\n');
  },
);
