import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { environment, runKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, logInByWeb, startWebLogin, WEB } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { until } from './support/until.js';
import { WebPerson } from './support/web-person.js';

const HEARS_SIGNAL = fileURLToPath(new URL('support/hears-signal.cjs', import.meta.url));

describe('two logins of one person, which the issuer keeps as one grant', () => {
  /** A person who is logged in with km, and at the issuer in the browser. */
  async function person() {
    const server = await startOAuthServer({ clients: [CLI] });
    const browser = new WebPerson();
    const { env } = await logInByWeb([...at(server), ...WEB], environment(), browser);
    return { server, browser, env };
  }

  test('the second one lives, though the first is over; a logout ends them at the issuer', async () => {
    const { server, browser, env } = await person();
    expect(await logInByWeb([], env, browser)).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(0);
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });

    expect(await runKm(['auth', 'logout'], { env })).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(1);
  });

  test('the first one lives where the second is given up in the moment in which it is granted', async () => {
    const { server, browser, env } = await person();
    let sendAnswer = (): void => undefined;
    server.next({ until: new Promise<void>((resolve) => (sendAnswer = resolve)) });
    const codes = (): number => server.seen.filter(({ path }) => path === '/token').length;
    const before = codes();
    const { km, link } = await startWebLogin([], { ...env, NODE_OPTIONS: `--require=${HEARS_SIGNAL}` });
    const answered = browser.answer(link);
    await until('the code is sent', () => codes() > before);
    km.child.kill('SIGINT');
    await until('km has heard it', () => km.stderr().includes('SIGINT was heard'));
    sendAnswer();
    await answered;
    expect(await km.ended).toMatchObject({ code: 130 });
    expect(server.revoked()).toBe(0);
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
  });
});
