import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, onTestFinished, test } from 'vitest';
import { pathWithKm } from './support/command-folder.js';
import { temporaryFolder } from './support/folder.js';
import { environment, runKm, start, startKm } from './support/km.js';
import { serverCommand } from './support/mcp-session.js';
import { until } from './support/until.js';

type Entry = { readonly command: string; readonly args: string[] };

/** A command that was printed to be copied, as a shell runs it. */
async function paste(line: string, env: Record<string, string>) {
  const shell = start('sh', ['-c', line], { ...env, PATH: pathWithKm() });
  shell.child.stdin.end();
  return { ...(await shell.ended), stdout: shell.stdout().toString(), stderr: shell.stderr() };
}

const folded = (text: string): string => text.replaceAll(/\s+/g, ' ');

test('from nothing to a monitored server in Claude Desktop, by what km prints alone', async () => {
  const env = environment();
  const dev = startKm(['dev', '--port', '0'], environment());
  await until('km dev says how to go on', () => /^ {4}km init .*$/m.test(dev.stderr())).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}; it said ${JSON.stringify(dev.stderr())}`);
    },
  );
  const [init = ''] = /km init --endpoint \S+ --api-key \S+/.exec(dev.stderr()) ?? [];

  const initialised = await paste(init, env);
  expect(initialised).toMatchObject({ code: 0, stdout: '' });
  expect(initialised.stderr).toContain('is logged in to');
  const [say = ''] = /km monitor --print-config claude -- (?=COMMAND)/.exec(initialised.stderr) ?? [];
  const server = serverCommand('server-everything');
  const configuration = await paste(say + server.join(' '), env);
  expect(configuration.code).toBe(0);
  expect(folded(configuration.stderr)).toContain(
    'no key has to stand in that file: profile default is logged in',
  );
  const { mcpServers } = JSON.parse(configuration.stdout) as {
    readonly mcpServers: Readonly<Record<string, Entry>>;
  };
  const [entry] = Object.values(mcpServers);
  expect(entry).toBeDefined();

  // What Claude Desktop gives its servers, started from no shell: a home, and no command of the user's.
  const home = { HOME: env['HOME'] ?? '', PATH: '/usr/bin:/bin' };
  const transport = new StdioClientTransport({
    ...entry!,
    env: home,
    cwd: temporaryFolder(),
    stderr: 'ignore',
  });
  const client = new Client({ name: 'claude-desktop', version: '1.0.0' });
  onTestFinished(() => client.close());
  await client.connect(transport);
  const answer = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  expect(JSON.stringify(answer.content)).toContain('hello');
  await client.close();

  const [check = ''] = /km doctor/.exec(initialised.stderr) ?? [];
  await until(
    'its events are delivered',
    async () => (await paste('km queue status --json', env)).code === 0,
  );
  expect(await paste(check, env)).toMatchObject({ code: 0 });
});

test('who has a key in the shell only is told that Claude Desktop does not have it, and what to do', async () => {
  const variables = { KILOMETERS_API_ENDPOINT: 'http://127.0.0.1:9', KILOMETERS_API_KEY: 'km_live_shell' };
  const env = environment(variables);
  const configuration = await runKm(['monitor', '--print-config', 'claude', '--', 'node', 'x.js'], { env });
  expect(configuration.code).toBe(0);
  expect(configuration.stderr).toContain(
    'km: the client does not have KILOMETERS_API_KEY of this shell: log in with `km auth login --api-key-stdin',
  );
  expect(configuration.stdout).toContain('"http://127.0.0.1:9"');
  const init = await runKm(['init'], { env });
  expect(init).toMatchObject({ code: 0 });
  expect(init.stderr).toContain('km: KILOMETERS_API_KEY is for this shell only');
  expect(init.stderr).toContain('km auth login --device');
  const local = await runKm(['monitor', '--print-config', 'claude', '--local', '--', 'node', 'x.js'], {
    env,
  });
  expect(local.stderr).not.toContain('log in');
});
