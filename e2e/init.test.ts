import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { API_KEY, environment, runKm } from './support/km.js';
import { startOnTerminal } from './support/terminal.js';
import { until } from './support/until.js';

function configurationIn(env: Readonly<Record<string, string>>) {
  const path = join(env['HOME'] ?? '', '.config/kilometers/config.json');
  const read = (): unknown => JSON.parse(readFileSync(path, 'utf8'));
  const write = (text: string): void => {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o600 });
  };
  return { path, read, write };
}

/** What Claude Desktop would be told: the JSON among the lines that `km init` printed. */
function serversIn(text: string): { readonly command: string; readonly args: readonly string[] } {
  const json = text.slice(text.indexOf('    {\n'), text.lastIndexOf('    }') + 5);
  const { mcpServers } = JSON.parse(json) as {
    readonly mcpServers: { readonly everything: { readonly command: string; readonly args: string[] } };
  };
  return mcpServers.everything;
}

describe('km init', () => {
  test('with --api-key says which command takes a key unseen', async () => {
    const api = await startApi();
    const run = await runKm(['init', '--api-key', API_KEY, '--endpoint', api.url], { env: environment() });
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(run.stderr).toContain('; `km auth login --api-key-stdin` is not seen\n');
  });

  test('without a terminal writes the configuration, asks nothing, and says how to log in', async () => {
    const env = environment();
    const run = await runKm(['init', '--endpoint', 'http://127.0.0.1:9'], { env });
    expect(run).toMatchObject({ code: 0, stdout: '' });
    const { path, read } = configurationIn(env);
    expect(read()).toEqual({
      version: 1,
      profiles: { default: { apiEndpoint: 'http://127.0.0.1:9' } },
      activeProfile: 'default',
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(run.stderr).toContain(path);
    expect(run.stderr).toContain('km auth login --device');
    const token = await runKm(['auth', 'token'], { env });
    expect(token).toMatchObject({
      code: 4,
      stderr: 'km: nobody is logged in; run `km auth login --profile default`\n',
    });
  });

  test('with a key logs in, and warns that others can see it; it is shown nowhere', async () => {
    const api = await startApi();
    const env = environment();
    const run = await runKm(['init', '--endpoint', api.url, '--api-key', API_KEY, '--profile', 'work'], {
      env,
    });
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(run.stderr).toContain('other users of this machine can see --api-key');
    expect(run.stderr).toContain('km: profile work is logged in to');
    expect(run.stderr).not.toContain(API_KEY);
    expect(configurationIn(env).read()).toMatchObject({ activeProfile: 'work' });
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stderr: '' });
  });

  test('makes the first profile the active one, and later ones only when told to', async () => {
    const env = environment({ KILOMETERS_API_ENDPOINT: 'http://127.0.0.1:9' });
    const first = await runKm(['init', '--profile', 'first'], { env });
    expect(first.stderr).not.toContain('km auth switch');
    const second = await runKm(['init', '--profile', 'second'], { env });
    expect(second.stderr).toContain('the active profile is first; `km auth switch second` changes that');
    // What is to be pasted is for the profile that was just made.
    expect(second.stderr.replaceAll(/\s+/g, ' ')).toContain('"monitor", "--profile", "second", "--server"');
    expect(second.stderr).toContain('km monitor --profile second --print-config claude -- COMMAND');
    expect(configurationIn(env).read()).toMatchObject({ activeProfile: 'first' });
  });

  test('a key that is refused writes nothing', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    expect(await runKm(['init', '--api-key', 'km_live_wrong'], { env })).toMatchObject({ code: 1 });
    expect(existsSync(configurationIn(env).path)).toBe(false);
  });

  test('refuses to replace a profile; --force does, and leaves the others as they are', async () => {
    const env = environment();
    const { write, read } = configurationIn(env);
    write('{"profiles": {"default": {"refreshAhead": "9m"}, "work": {"maxRetries": 1}}, "theme": "dark"}');
    const before = read();
    const refused = await runKm(['init', '--endpoint', 'http://127.0.0.1:9'], { env });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^km: profile default is there already, [^\n]*--force\n$/);
    expect(read()).toEqual(before);

    const forced = await runKm(['init', '--endpoint', 'http://127.0.0.1:9', '--force'], { env });
    expect(forced.code).toBe(0);
    expect(read()).toEqual({
      version: 1,
      theme: 'dark',
      activeProfile: 'default',
      profiles: { default: { apiEndpoint: 'http://127.0.0.1:9' }, work: { maxRetries: 1 } },
    });
  });

  test.each(['{"profiles": {', '{"version": 2}', '[]', 'garbage'])(
    'never overwrites a broken file, --force or not: %s',
    async (text) => {
      const env = environment();
      const { write, path } = configurationIn(env);
      write(text);
      const run = await runKm(['init', '--force'], { env });
      expect(run).toMatchObject({ code: 1, stdout: '' });
      expect(run.stderr).toMatch(/^km: \S+config\.json:\d+:\d+: [^\n]+\n$/);
      expect(readFileSync(path, 'utf8')).toBe(text);
    },
  );

  test.each([
    { args: ['--endpoint', 'ftp://x'], said: 'is not a URL' },
    { args: ['--endpoint', 'http://api.example'], said: 'https', code: 1 },
    { args: ['--profile', '../up'], said: 'not a profile name' },
    { args: ['--frce'], said: '(Did you mean --force?)' },
  ])('refuses $args', async ({ args, said, code = 2 }) => {
    const env = environment();
    const run = await runKm(['init', ...args], { env });
    expect(run).toMatchObject({ code, stdout: '' });
    expect(run.stderr).toContain(said);
    expect(existsSync(configurationIn(env).path)).toBe(false);
  });

  test('where nothing can be written says so', async () => {
    const env = environment({ KM_CONFIG_DIR: '/proc/nowhere' });
    const run = await runKm(['init'], { env });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^km: \/proc\/nowhere[^\n]* cannot be written: [^\n]+\n$/);
  });

  test('on a terminal asks how to log in, and for the key unseen', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const km = startOnTerminal(['init'], { env });
    await km.shows('Type a number');
    km.type('2\r');
    await km.shows('Paste the API key');
    km.type(`${API_KEY}\r`);
    expect(await km.ended).toMatchObject({ code: 0 });
    expect(km.shown()).not.toContain(API_KEY);
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0 });
  });

  test('prints a configuration that an MCP client can use as it stands, whatever its PATH is', async () => {
    const api = await startApi();
    const env = environment();
    const run = await runKm(['init', '--endpoint', api.url, '--api-key', API_KEY], { env });
    const { command, args } = serversIn(run.stderr);
    const [km = '', ...rest] = args;
    const own = rest.slice(0, rest.indexOf('--') + 1);
    const server = join(import.meta.dirname, '../node_modules/.bin/mcp-server-everything');
    const transport = new StdioClientTransport({
      command,
      args: [km, ...own, process.execPath, server],
      env: { HOME: env['HOME'] ?? '', PATH: '/nonexistent' },
      stderr: 'ignore',
    });
    const client = new Client({ name: 'a-new-user', version: '1.0.0' });
    onTestFinished(() => client.close());
    await client.connect(transport);
    expect((await client.listTools()).tools.length).toBeGreaterThan(3);
    await until('its events at the API', () =>
      storedEvents(api).some(({ method }) => method === 'tools/list'),
    );
  });
});

test('a config.json that every user can write is not used, by no command', async () => {
  const env = environment();
  const { write, path } = configurationIn(env);
  write('{}');
  chmodSync(path, 0o666);
  for (const args of [['auth', 'token'], ['auth', 'profiles'], ['init']]) {
    const run = await runKm(args, { env });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^km: \S+ can be written by every user; it is not used: [^\n]+\n$/);
  }
});
