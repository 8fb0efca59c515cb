import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { userCodeIn } from './support/device-page.js';
import { environment, runKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, kilometersFolder, logInByWeb, startWebLogin } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';

describe('km auth login --issuer --device', () => {
  test('logs in with a code, at a server that does not say how often to ask', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const won = await logInByWeb([...at(server), '--device', '--scope', 'openid offline_access read']);
    expect(won.code).toBe(0);
    expect(userCodeIn(won.stderr)).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
    expect(await runKm(['auth', 'refresh'], { env: won.env })).toMatchObject({ code: 0 });
    expect(server.revoked()).toBe(0);
  });

  test('Ctrl-C gives it up at once', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const env = environment();
    const { km } = await startWebLogin([...at(server), '--device'], env);
    km.child.kill('SIGINT');
    expect(await km.ended).toEqual({ code: 130, signal: null });
    expect(existsSync(kilometersFolder(env))).toBe(false);
  });
});
