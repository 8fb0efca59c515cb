import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, environment, monitoring, runKm, startKm } from './support/km.js';
import { CAN_BE_NOBODY, startAsOther } from './support/nobody.js';
import { runUntil, runUntilStored, WHY_THEY_WAIT } from './support/run-until.js';
import { ECHO } from './support/scripted-servers.js';

const INPUT = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';
const isRoot = process.getuid?.() === 0;

/** A user whose config.json says this. */
function withConfiguration(
  text: string,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.json'), text, { mode: 0o600 });
  return environment({ ...variables, KM_CONFIG_DIR: folder });
}

describe('whatever is wrong with the settings, the server runs and traffic passes', () => {
  test.each([
    ['KM_REFRESH_AHEAD', 'nonsense'],
    ['KM_RETRY_INTERVAL', '-1'],
    ['KM_MAX_RETRIES', 'many'],
    ['KM_CHECK_INTERVAL', '0s'],
    ['KM_QUEUE_MAX_BYTES', '7'],
    ['KM_QUEUE_MAX_AGE', 'for ever'],
  ])('%s=%s: one line says so, and the default is used', async (name, value) => {
    const api = await startApi();
    const env = accountAt(api.url, { [name]: value });
    const { code, stdout, stderr } = await runUntilStored(monitoring(ECHO), 2, { api, env, input: INPUT });
    expect({ code, stdout }).toEqual({ code: 0, stdout: INPUT });
    expect(stderr).toMatch(/^km: [^\n]+; the default is used\n$/);
    expect(storedEvents(api)).toHaveLength(2);
  });

  test.each([
    ['KILOMETERS_API_ENDPOINT', 'ftp://example.org'],
    ['KM_PROFILE', '../other'],
  ])('%s=%s: nobody can tell whose the events are, one line says so', async (name, value) => {
    const env = environment({ [name]: value });
    const { code, stdout, stderr } = await runUntil(monitoring(ECHO), {
      env,
      input: INPUT,
      ...WHY_THEY_WAIT,
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: INPUT });
    expect(stderr).toMatch(/^km: monitoring goes on, [^\n]+\n$/);
  });

  test.each([
    ['cut off', '{"profiles": {"default": {'],
    ['no text', '\u0000\u0001'],
    ['of another form', '{"version":1,"profiles":[1]}'],
  ])('config.json is %s: what passed is delivered once it is corrected', async (_, text) => {
    const api = await startApi();
    const env = withConfiguration(text, {
      KILOMETERS_API_ENDPOINT: api.url,
      KILOMETERS_API_KEY: 'km_live_e2e',
    });
    const { code, stdout, stderr } = await runUntil(monitoring(ECHO), {
      env,
      input: INPUT,
      ...WHY_THEY_WAIT,
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: INPUT });
    expect(stderr).toMatch(
      /^km: monitoring goes on, and events wait in the queue: [^\n]*config\.json[^\n]*\n$/,
    );
    const waiting = await runKm(['queue', 'status', '--json'], { env });
    expect(JSON.parse(waiting.stdout)).toMatchObject({ waiting: 2 });

    writeFileSync(join(env['KM_CONFIG_DIR'] ?? '', 'config.json'), '{}');
    expect(await runKm(['queue', 'flush'], { env })).toMatchObject({
      code: 0,
      stderr: 'km: 2 events delivered\n',
    });
    expect(storedEvents(api)).toHaveLength(2);
  });

  // Root can read everything.
  test.skipIf(isRoot && !CAN_BE_NOBODY)('a home that cannot be read', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    chmodSync(env['HOME'] ?? '', 0o000);
    const km = (isRoot ? startAsOther : startKm)(monitoring(ECHO), env);
    km.child.stdin.end(INPUT);
    const { code } = await km.ended;
    chmodSync(env['HOME'] ?? '', 0o700);
    expect({ code, stdout: km.stdout().toString() }).toEqual({ code: 0, stdout: INPUT });
  });

  test.runIf(isRoot)('a home of another user', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    chownSync(env['HOME'] ?? '', 65_534, 65_534);
    const { code, stdout } = await runKm(monitoring(ECHO), { env, input: INPUT });
    expect({ code, stdout }).toEqual({ code: 0, stdout: INPUT });
  });

  test('a file in the place of every folder', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    mkdirSync(join(env['HOME'] ?? '', '.local'));
    writeFileSync(join(env['HOME'] ?? '', '.local/state'), '');
    writeFileSync(join(env['HOME'] ?? '', '.config'), '');
    const { code, stdout, stderr } = await runUntilStored(monitoring(ECHO), 2, { api, env, input: INPUT });
    expect({ code, stdout }).toEqual({ code: 0, stdout: INPUT });
    expect(stderr.split('\n').length).toBeLessThanOrEqual(3);
    expect(storedEvents(api)).toHaveLength(2);
  });
});
