import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { start } from './support/km.js';
import { endOf, startAtGate, startLogin } from './support/login.js';
import { until } from './support/until.js';

const TWO_THREADS = fileURLToPath(new URL('./support/login-thread.mjs', import.meta.url));

test('a thread that ends in the middle of a refresh holds the lock against nobody, though its process lives', async () => {
  const login = await startLogin({ graceMs: 120_000 });
  let arrived = 0;
  login.api.on((event) => event.type === 'trouble.applied' && (arrived += 1));
  login.api.trouble.add({ latencyMs: 600_000, count: 1 });
  const program = start(process.execPath, [TWO_THREADS], login.env);
  const other = await startAtGate(login);
  await until('the thread has sent the refresh token', () => arrived === 1);
  other.child.stdin.end();
  program.child.stdin.end();
  const { token, stderr } = await endOf(program);
  expect(token, stderr).toEqual(expect.any(String));
  expect((await endOf(other)).token).toBe(token);
  expect(login.takeSeen()).toMatchObject({ reused: 0, logins: 0 });
});
