import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createFileCache } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { onFullDisk } from './support/device-user.js';
import { API_KEY, environment, runKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, kilometersFolder, logInByWeb, storedText, WEB } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';

/** Puts a link in the place of the tokens, which is refused; returns what puts them back. */
function breakTokens(env: Readonly<Record<string, string>>): () => void {
  const path = join(kilometersFolder(env), '.auth_cache');
  renameSync(path, `${path}-aside`);
  symlinkSync(`${path}-aside`, path);
  return () => {
    rmSync(path);
    renameSync(`${path}-aside`, path);
  };
}

describe('a logout that fails halfway', () => {
  test('says that the login is over; the next one ends its tokens where they were issued', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    const mend = breakTokens(env);
    const first = await runKm(['auth', 'logout'], { env });
    expect(first).toMatchObject({ code: 1, stdout: '' });
    expect(first.stderr).toContain('is a symbolic link');
    expect(first.stderr).toContain(
      'km: profile default: the login is over, but its tokens are still here: log out again\n',
    );
    mend();
    // Nothing new is won with it.
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 4, stdout: '' });

    const second = await runKm(['auth', 'logout'], { env });
    expect(second).toMatchObject({ code: 0, stderr: 'km: profile default: logged out\n' });
    expect(server.revoked()).toBe(1);
    expect(server.seen.map(({ path }) => path)).not.toContain('/api/auth/revoke');
    const third = await runKm(['auth', 'logout'], { env });
    expect(third.stderr).toBe('km: profile default: nobody was logged in\n');
  });

  test('tells the issuer before it forgets who that is; what it cannot forget is for the next one', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    // The first three times the login is ended, and its tokens are taken.
    const first = await runKm(['auth', 'logout'], { env: onFullDisk(env, '.credentials:4') });
    expect(server.revoked()).toBe(1);
    expect(first).toMatchObject({ code: 0, stdout: '' });
    expect(first.stderr).toContain('km: profile default: logged out\n');
    expect(first.stderr).toMatch(
      /km: profile default: who issued its tokens is still noted here, and goes with the next logout: .*disk is full/,
    );
    const second = await runKm(['auth', 'logout'], { env });
    expect(second).toMatchObject({ code: 0, stderr: 'km: profile default: logged out\n' });
    const third = await runKm(['auth', 'logout'], { env });
    expect(third.stderr).toBe('km: profile default: nobody was logged in\n');
  });

  test('leaves no API key behind', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    await runKm(['auth', 'login', '--api-key-stdin'], { env, input: API_KEY });
    const token = await runKm(['auth', 'token'], { env });
    breakTokens(env)();
    const mend = breakTokens(env);
    expect(await runKm(['auth', 'logout'], { env })).toMatchObject({ code: 1 });
    mend();
    expect(storedText(env)).not.toContain(API_KEY);
    expect(await runKm(['auth', 'logout'], { env })).toMatchObject({ code: 0 });
    const headers = { authorization: `Bearer ${token.stdout.trim()}` };
    expect((await fetch(`${api.url}/api/auth/validate`, { headers })).status).toBe(401);
  });
});

describe('a login that replaces one at another issuer', () => {
  const endedIn = (env: Record<string, string>) =>
    createFileCache({ folder: kilometersFolder(env), environment: env }).logins.listEnded();

  test('and cannot take its tokens leaves them to the next logout, with who issued them', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    // What was won, what is kept of the login before, the login; then the refresh token of the one before.
    const second = await logInByWeb([...at(server), ...WEB], onFullDisk(env, '.credentials:4'));
    expect(second).toMatchObject({ code: 0 });
    expect(await endedIn(env)).toHaveLength(1);
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stderr: '' });

    const logout = await runKm(['auth', 'logout'], { env });
    expect(logout).toMatchObject({ code: 0, stderr: 'km: profile default: logged out\n' });
    expect(server.revoked()).toBe(2);
    expect(await endedIn(env)).toEqual([]);
  });

  test('keeps nothing of it once its tokens are taken', async () => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    await logInByWeb([...at(server), ...WEB], env);
    // The issuer may keep both as one grant.
    expect(server.revoked()).toBe(0);
    expect(await endedIn(env)).toEqual([]);
  });
});
