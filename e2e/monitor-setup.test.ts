import { symlinkSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { accountAt, environment, KM, monitoring, runKm, start } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';

const request = (id: number | string, method: string, params: unknown = {}) =>
  `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
const input =
  request(1, 'tools/list') + request('a b', 'bad') + '{"jsonrpc":"2.0","method":"notifications/x"}\n';

describe('setting up', () => {
  type Entry = {
    readonly type?: string;
    readonly command: string;
    readonly args: readonly string[];
    readonly env?: Record<string, string>;
  };
  const server = ['-y', '@modelcontextprotocol/server-filesystem', '/data'];

  test.each([
    ['claude', 'mcpServers', 'claude_desktop_config.json'],
    ['cursor', 'mcpServers', '.cursor/mcp.json'],
    ['vscode', 'servers', '.vscode/mcp.json'],
  ])(
    '--print-config %s prints what goes into its configuration, and says where',
    async (client, member, file) => {
      const { code, stdout, stderr } = await runKm([
        'monitor',
        '--print-config',
        client,
        '--',
        'npx',
        ...server,
      ]);
      expect(code).toBe(0);
      expect(stderr).toContain(file);
      const config = JSON.parse(stdout) as Record<string, Record<string, Entry>>;
      expect(Object.keys(config)).toEqual([member]);
      const entry = config[member]?.['filesystem'];
      expect(entry?.type).toBe(client === 'vscode' ? 'stdio' : undefined);
      expect(isAbsolute(entry?.command ?? '')).toBe(true);
      const [npx = '', ...args] = entry?.args.slice(4) ?? [];
      expect(entry?.args.slice(1, 4)).toEqual(['monitor', '--server', '--']);
      expect([isAbsolute(npx), basename(npx), ...args]).toEqual([true, 'npx', ...server]);
    },
  );

  test('it has the folder where the login is, and says what else of this shell the client lacks', async () => {
    const folder = temporaryFolder();
    const env = environment({
      KM_CONFIG_DIR: folder,
      KM_CACHE_URL: 'redis://127.0.0.1:1',
      KM_CACHE_KEY: 'key',
    });
    const { stdout, stderr } = await runKm(['monitor', '--print-config', 'claude', '--', 'server'], { env });
    const { mcpServers } = JSON.parse(stdout) as { mcpServers: { server: { env: unknown } } };
    expect(mcpServers.server.env).toMatchObject({ KM_CONFIG_DIR: folder });
    expect(stdout).not.toContain('redis');
    expect(stderr).toContain('the client does not have KM_CACHE_URL and KM_CACHE_KEY of this shell');
    expect(stderr).not.toContain('no key has to stand');
  });

  test('it has the profile and the endpoint that this shell says, and of the key how to log in with it', async () => {
    const env = accountAt('http://127.0.0.1:9', { KM_PROFILE: 'work' });
    const printing = ['monitor', '--print-config', 'claude', '--', 'server'];
    const { stdout, stderr } = await runKm(printing, { env });
    const { args } = (JSON.parse(stdout) as { mcpServers: { server: Entry } }).mcpServers.server;
    const flags = ['--profile', 'work', '--endpoint', 'http://127.0.0.1:9'];
    expect(args.slice(1, -2)).toEqual(['monitor', ...flags, '--server']);
    expect(stderr).toContain(
      'km: the client does not have KILOMETERS_API_KEY of this shell: log in with ' +
        `\`km auth login --api-key-stdin ${flags.join(' ')}\`, so that no key has to stand in that file\n`,
    );
    expect(stderr).not.toContain('km init');
    const local = await runKm([...printing.slice(0, -2), '--local', '--', 'server'], { env });
    expect(local.stdout).not.toContain('--profile');
    expect(local.stderr).not.toContain('of this shell');
  });

  test('what it prints works in another folder, also where the server is a file of this one', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'server.js'), ECHO);
    const env = environment();
    const printing = `cd '${folder}' && '${process.execPath}' '${KM}' monitor --print-config claude --local -- node server.js`;
    const printed = start('/bin/sh', ['-c', printing], env);
    printed.child.stdin.end();
    expect(await printed.ended).toEqual({ code: 0, signal: null });
    expect(printed.stderr()).toContain(
      'km: with their whole paths, for the client starts it elsewhere: node, server.js',
    );
    const { mcpServers } = JSON.parse(printed.stdout().toString()) as { mcpServers: { server: Entry } };
    const { command, args } = mcpServers.server;
    const km = start(command, args, { PATH: '', HOME: folder });
    km.child.stdin.end(input);
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(km.stdout().toString()).toBe(input);
  });

  test('what it prints works for a script, too, that looks in the PATH for what runs it', async () => {
    const bin = temporaryFolder();
    symlinkSync(process.execPath, join(bin, 'interpreter'));
    writeFileSync(join(bin, 'server'), `#!/usr/bin/env interpreter\n${ECHO}`, { mode: 0o755 });
    const env = environment({ PATH: `${bin}:${process.env['PATH'] ?? ''}` });
    const printing = ['monitor', '--print-config', 'claude', '--local', '--', 'server'];
    const { stdout, stderr } = await runKm(printing, { env });
    expect(stderr).toContain(
      'km: with PATH in "env", for server is a script that looks for interpreter there\n',
    );
    const { server } = (JSON.parse(stdout) as { mcpServers: { server: Entry } }).mcpServers;
    const km = start(server.command, server.args, { PATH: '/usr/bin:/bin', HOME: bin, ...server.env });
    km.child.stdin.end(input);
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(km.stdout().toString()).toBe(input);
  });

  test('what it prints works where there is no PATH, with the flags that were given', async () => {
    const folder = temporaryFolder();
    const script = join(folder, 'server.js');
    writeFileSync(script, ECHO);
    const flags = ['--local', '--summary', '--redact', 'params.x', '--max-payload', '2k'];
    const { stdout } = await runKm([
      'monitor',
      '--print-config',
      'claude',
      ...flags,
      '--',
      process.execPath,
      script,
    ]);
    const { command, args } = (JSON.parse(stdout) as { mcpServers: { server: Entry } }).mcpServers.server;
    expect(args).toEqual(expect.arrayContaining(['--local', '--summary', '--redact', 'params.x', '2048']));
    const km = start(command, args, { PATH: '', HOME: folder });
    km.child.stdin.end(input);
    expect(await km.ended).toEqual({ code: 0, signal: null });
    expect(km.stdout().toString()).toBe(input);
    expect(km.stderr()).toContain('km: summary of');
  });

  test.each([
    ['a client that is not known', ['--print-config', 'emacs', '--', 'x'], 'claude, cursor or vscode'],
    ['a size that is none', ['--max-payload', 'much', '--', 'x'], '512KiB'],
    ['a size that is too large', ['--max-payload', '1g', '--', 'x'], '64MiB'],
    ['a path that is none', ['--redact', 'params..x', '--', 'x'], 'params.arguments.password'],
  ])('%s is refused, and what is right is said', async (_, args, words) => {
    const run = await runKm(['monitor', ...args]);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(words);
  });

  test('-- and --server may be missing: some clients swallow them', async () => {
    for (const args of [
      ['monitor', process.execPath, '-e', ECHO],
      ['monitor', '--server', process.execPath, '-e', ECHO],
      ['monitor', '--local', '--server', process.execPath, '-e', ECHO, '--', '--server'],
    ]) {
      expect(await runKm(args, { input })).toMatchObject({ code: 0, stdout: input });
    }
  });
});

describe("the server's environment", () => {
  const telling = `console.log(JSON.stringify([process.env.KILOMETERS_API_KEY, process.env.KM_CACHE_KEY, process.env.KILOMETERS_API_ENDPOINT]))`;
  const env = () => accountAt('http://127.0.0.1:1', { KM_CACHE_KEY: 'a2V5' });

  test("has no secret of km's", async () => {
    const { stdout } = await runKm(monitoring(telling, '--local'), { env: env() });
    expect(JSON.parse(stdout)).toEqual([null, null, 'http://127.0.0.1:1']);
  });

  test('has them with --pass-env', async () => {
    const { stdout } = await runKm(monitoring(telling, '--local', '--pass-env'), { env: env() });
    expect(JSON.parse(stdout)).toEqual(['km_live_e2e', 'a2V5', 'http://127.0.0.1:1']);
  });
});

describe('a monitor inside a monitor', () => {
  const inside = (...command: string[]) => ['monitor', '--local', '--', process.execPath, KM, ...command];

  test('passes everything on, as one alone does', async () => {
    expect(await runKm(inside(...inside(...monitoring(ECHO, '--local'))), { input })).toMatchObject({
      code: 0,
      stdout: input,
      stderr: '',
    });
  });

  test('that would never end is refused, and leaves nothing behind', async () => {
    const script = join(temporaryFolder(), 'server.sh');
    writeFileSync(script, `#!/bin/sh\nexec "${process.execPath}" "${KM}" monitor --local -- "${script}"\n`, {
      mode: 0o755,
    });
    const run = await runKm(['monitor', '--local', '--', script], { env: environment(), input });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain('km monitor run inside one another');
    expect(run.stderr).toContain(basename(script));
  });
});
