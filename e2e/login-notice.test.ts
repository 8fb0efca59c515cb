import { describe, expect, test } from 'vitest';
import { API_KEY, runKm } from './support/km.js';
import { startLogin, type Login } from './support/login.js';
import { startLoginService, type Answer, type LoginService } from './support/login-service.js';
import { until } from './support/until.js';

const CHECK_MS = 1_000;
/** What a look may take on a busy machine, besides: less than the 60 s of who does not know the interval. */
const LOOK_TAKES_MS = 20_000;
const NOTICED_WITHIN_MS = 1_000;
const SCOPE = ['--scope', 'monitoring'];

/** A program that holds a token, and `km` for the same account. */
async function startHolder(
  checkMs: number,
  variables: Readonly<Record<string, string>> = { LOGIN_API_KEY: API_KEY },
) {
  const login = await startLogin();
  const { LOGIN_REFRESH_TOKEN: _, ...env } = login.env;
  const holder = startLoginService(
    { env: variables['LOGIN_API_KEY'] === undefined ? login.env : env },
    { ...variables, LOGIN_CHECK_MS: String(checkMs) },
  );
  const before = await holder.token();
  expect(before.token).toEqual(expect.any(String));
  login.takeSeen();
  const km = async (...args: readonly string[]): Promise<string> => {
    const account = { KILOMETERS_API_ENDPOINT: login.api.url, KILOMETERS_API_KEY: API_KEY };
    const { code, stdout, stderr } = await runKm(['auth', ...args], { env: { ...env, ...account } });
    expect({ args, code, stderr }).toMatchObject({ args, code: 0 });
    return stdout.trim();
  };
  return { login, holder, before, km };
}

/** What a program answers once it does not answer with `before` any more, and that it noticed in time. */
async function noticed(
  holder: LoginService,
  { token: before }: { readonly token?: string },
  sinceMs: number,
) {
  let answer: Answer = {};
  await until('it is noticed', async () => {
    answer = await holder.token();
    return answer.token !== before;
  });
  expect(performance.now() - sinceMs).toBeLessThan(CHECK_MS + LOOK_TAKES_MS);
  return answer;
}

/** A request works again, within a second of its beginning. */
async function expectCallWorks(holder: LoginService, login: Login): Promise<void> {
  const { waitedMs, ...answer } = await holder.call();
  expect(answer).toEqual({ status: 200 });
  expect(waitedMs).toBeLessThan(NOTICED_WITHIN_MS);
  expect(login.takeSeen().reused).toBe(0);
}

describe('a process that holds a token notices within checkIntervalMs', () => {
  test('that another refreshed: it has the new one, and asks for none', async () => {
    const { holder, before, km, login } = await startHolder(CHECK_MS);
    await km('refresh', ...SCOPE);
    const sinceMs = performance.now();
    const now = await noticed(holder, before, sinceMs);
    expect(now.token).toBe(await km('token', ...SCOPE));
    expect(login.takeSeen().tokenRequests).toBe(1);
  });

  test('that another revoked: it has a token that is good', async () => {
    const { holder, before, km } = await startHolder(CHECK_MS);
    await km('revoke', ...SCOPE);
    const sinceMs = performance.now();
    const now = await noticed(holder, before, sinceMs);
    expect(now.token).toBe(await km('token', ...SCOPE));
    expect(await holder.call()).toMatchObject({ status: 200 });
  });

  test('that another logged out: it has none any more, and sends nothing', async () => {
    const { holder, before, km, login } = await startHolder(CHECK_MS, {});
    await km('logout');
    login.takeSeen();
    const sinceMs = performance.now();
    const now = await noticed(holder, before, sinceMs);
    expect(now.code).toBe('KM_AUTH_LOGIN_REQUIRED');
    expect(login.takeSeen().tokenRequests).toBe(0);
  });
});

describe('a process that holds a token and gets a 401 notices within a second', () => {
  const LONG_MS = 3_600_000;

  test('that another refreshed: it uses the new one, and asks for none', async () => {
    const { holder, before, km, login } = await startHolder(LONG_MS);
    await km('revoke', ...SCOPE);
    const others = await km('token', ...SCOPE);
    login.takeSeen();
    expect(await holder.token()).toEqual(before);
    await expectCallWorks(holder, login);
    expect((await holder.token()).token).toBe(others);
    expect(login.takeSeen().tokenRequests).toBe(0);
  });

  test('that another revoked: it gets a new one', async () => {
    const { holder, before, km, login } = await startHolder(LONG_MS);
    await km('revoke');
    login.takeSeen();
    await expectCallWorks(holder, login);
    expect((await holder.token()).token).not.toBe(before.token);
  });

  test('that another logged out: it has none any more, and sends nothing', async () => {
    const { holder, km, login } = await startHolder(LONG_MS, {});
    await km('logout');
    login.takeSeen();
    const { waitedMs, code } = await holder.call();
    expect(code).toBe('KM_AUTH_LOGIN_REQUIRED');
    expect(waitedMs).toBeLessThan(NOTICED_WITHIN_MS);
    expect(login.takeSeen().tokenRequests).toBe(0);
  });
});
