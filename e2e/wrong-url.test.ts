import { expect, test } from 'vitest';
import { runKm } from './support/km.js';

const ISSUER = ['--issuer', 'https://id.example', '--client-id', 'cli', '--web'];
const LOGIN = ['auth', 'login', ...ISSUER];

test.each([
  ['--issuer', ['auth', 'login', '--client-id', 'cli', '--web']],
  ['--token-endpoint', LOGIN],
  ['--authorization-endpoint', LOGIN],
  ['--device-endpoint', LOGIN],
  ['--revocation-endpoint', LOGIN],
  ['--url', ['auth', 'token', '--format', 'dpop-header']],
])('a wrong %s is called so', async (flag, args) => {
  const none = await runKm([...args, flag, 'foo']);
  expect(none).toMatchObject({ code: 2, stdout: '' });
  expect(none.stderr).toMatch(new RegExp(`^km: ${flag} "foo" is not a URL: [^\\n]+\\n$`));
  const plain = await runKm([...args, flag, 'http://id.example']);
  expect(plain).toMatchObject({ code: 1, stdout: '' });
  expect(plain.stderr).toMatch(new RegExp(`^km: ${flag} http://id\\.example is plain http, [^\\n]+\\n$`));
  expect(none.stderr + plain.stderr).not.toContain('kilometers.ai');
});
