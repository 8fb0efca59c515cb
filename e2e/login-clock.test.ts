import { describe, expect, test } from 'vitest';
import { CAN_FAKE_TIME, settableClock } from './support/fake-time.js';
import { API_KEY, start } from './support/km.js';
import { endOf, ONE_REFRESH, PROGRAM, startAtGate, startLogin } from './support/login.js';
import { startLoginService } from './support/login-service.js';
import { can } from './support/login-system.js';
import { until } from './support/until.js';

const NAMESPACE = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const CAN_UNSHARE = can('another pid namespace', 'unshare', ...NAMESPACE, 'true');

/** An owner that shows no life for 4 s counts as dead: long enough to tell it from one that only seems so. */
const HELD_MS = 5_000;
const CHECK_MS = 500;

describe.runIf(CAN_FAKE_TIME)('a clock that jumps', () => {
  test('by an hour, forward or back, under an owner and those who wait for it takes the lock from nobody', async () => {
    const owners = [PROGRAM, ...(CAN_UNSHARE ? [['unshare', ...NAMESPACE, ...PROGRAM]] : [])];
    const cases = ['+1h', '-1h'].flatMap((jump) => owners.map((owner) => ({ jump, owner })));
    await Promise.all(
      cases.map(async ({ jump, owner: [file = '', ...args] }) => {
        const { setTo, variables } = settableClock();
        const login = await startLogin();
        login.api.trouble.add({ latencyMs: HELD_MS });
        let arrived = 0;
        login.api.on((event) => event.type === 'trouble.applied' && (arrived += 1));
        const waiting = await Promise.all([startAtGate(login, variables), startAtGate(login, variables)]);
        const owner = start(file, args, { ...login.env, ...variables });
        await until('the request has arrived', () => arrived === 1);
        for (const { child } of waiting) child.stdin.end();
        setTo(jump);
        const { token, stderr } = await endOf(owner);
        expect(token).toEqual(expect.any(String));
        // The answer came after the jump.
        expect(stderr).toMatch(/this machine's clock is \d\d m (ahead of|behind) the API's/);
        for (const each of waiting) expect((await endOf(each)).token).toBe(token);
        expect(login.takeSeen()).toEqual(ONE_REFRESH);
      }),
    );
  });

  test.each([
    ['forward and back', ['+1h', '+0']],
    ['back and forward', ['-1h', '+0']],
  ])(
    'by an hour, %s, under a program that runs is noticed, and costs at most one request a jump',
    async (_name, jumps) => {
      const { setTo, variables } = settableClock();
      const login = await startLogin({}, { LOGIN_API_KEY: API_KEY });
      const service = startLoginService(login, { ...variables, LOGIN_CHECK_MS: String(CHECK_MS) });
      expect(await service.call()).toMatchObject({ status: 200 });
      login.takeSeen();
      let told = 0;
      for (const jump of jumps) {
        setTo(jump);
        told += 1;
        const isTold = (): boolean => service.run.stderr().split('the clock jumped').length > told;
        await until('the jump is told', isTold);
        const looksAgainAtMs = performance.now() + CHECK_MS * 2;
        expect(await service.call()).toMatchObject({ status: 200 });
        await until('it has looked again', () => performance.now() > looksAgainAtMs);
        expect(await service.call()).toMatchObject({ status: 200 });
        expect(login.takeSeen().tokenRequests).toBeLessThanOrEqual(1);
      }
    },
  );
});
