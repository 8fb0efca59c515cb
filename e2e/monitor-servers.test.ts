import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents, textOf } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt } from './support/km.js';
import {
  closeOnceStored,
  connect,
  connectToEverything,
  serverCommand,
  type McpSession,
} from './support/mcp-session.js';
import { until } from './support/until.js';

/** Calls a tool, and gives what comes of it, an error included. */
async function call({ client }: McpSession, name: string, args: Record<string, unknown>) {
  return client.callTool({ name, arguments: args }).catch((error: unknown) => String(error));
}

async function inOrder(steps: readonly (() => Promise<unknown>)[]): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const step of steps) results.push(await step());
  return results;
}

/** A folder with files of all kinds in it. Its name is as long as any other such. */
function library(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'shelf'));
  writeFileSync(join(folder, 'text.txt'), 'one\r\ntwo\u2028three\n');
  writeFileSync(join(folder, 'large.txt'), 'é'.repeat(700_000));
  writeFileSync(join(folder, 'bytes.bin'), Buffer.from([0, 255, 254, 10, 13]));
  return folder;
}

async function filesystemTour(session: McpSession, folder: string) {
  const results = await inOrder([
    () => session.client.listTools(),
    ...[
      ['list_allowed_directories', {}],
      ['list_directory', { path: folder }],
      ['directory_tree', { path: folder }],
      ['read_text_file', { path: join(folder, 'text.txt') }],
      ['read_text_file', { path: join(folder, 'large.txt') }],
      ['read_media_file', { path: join(folder, 'bytes.bin') }],
      ['read_text_file', { path: join(folder, 'none.txt') }],
      ['read_text_file', { path: '/etc/passwd' }],
      ['write_file', { path: join(folder, 'new.txt'), content: 'x'.repeat(300_000) }],
      ['edit_file', { path: join(folder, 'text.txt'), edits: [{ oldText: 'one', newText: 'eins' }] }],
      ['move_file', { source: join(folder, 'new.txt'), destination: join(folder, 'shelf', 'new.txt') }],
      ['search_files', { path: folder, pattern: '**/*.txt' }],
      ['no_such_tool', {}],
    ].map(
      ([name, args]) =>
        () =>
          call(session, name as string, args as Record<string, unknown>),
    ),
  ]);
  // The folder's name differs from run to run, and is all that may.
  return JSON.stringify(results).replaceAll(folder, '/folder');
}

async function memoryTour(session: McpSession) {
  const entities = [
    { name: 'km', entityType: 'tool', observations: ['passes bytes', 'keeps logins'] },
    { name: 'MCP', entityType: 'protocol', observations: [] },
  ];
  const steps: [string, Record<string, unknown>][] = [
    ['create_entities', { entities }],
    ['create_relations', { relations: [{ from: 'km', to: 'MCP', relationType: 'monitors' }] }],
    ['add_observations', { observations: [{ entityName: 'MCP', contents: ['JSON-RPC'] }] }],
    ['add_observations', { observations: [{ entityName: 'nobody', contents: [] }] }],
    ['read_graph', {}],
    ['search_nodes', { query: 'bytes' }],
    ['open_nodes', { names: ['MCP'] }],
    ['delete_entities', { entityNames: ['km'] }],
    ['read_graph', {}],
  ];
  return inOrder(
    steps.map(
      ([name, args]) =>
        () =>
          call(session, name, args),
    ),
  );
}

/** What the API has of a session is what the client saw of it. */
async function expectRecorded(session: McpSession, api: Awaited<ReturnType<typeof startApi>>) {
  await closeOnceStored(session, api);
  const stored = storedEvents(api);
  for (const direction of ['outbound', 'inbound'] as const) {
    const seen = session.messages.filter((each) => each.direction === direction);
    expect(
      stored
        .filter((event) => event.direction === direction)
        .map((event) => JSON.parse(textOf(event)) as unknown),
    ).toEqual(seen.map(({ message }) => message));
  }
  expect(session.stderr()).not.toContain('km:');
}

describe('servers of others', () => {
  test('server-filesystem: the same answers as without km, with large files and errors among them', async () => {
    const [api, folder, own] = [await startApi(), library(), library()];
    const direct = await filesystemTour(await connect(serverCommand('server-filesystem', folder)), folder);
    const session = await connect(serverCommand('server-filesystem', own), accountAt(api.url));
    expect(await filesystemTour(session, own)).toBe(direct);
    await closeOnceStored(session, api);
    expect(storedEvents(api)).toHaveLength(session.messages.length);
  });

  test('server-memory: the same answers as without km, and every message at the API', async () => {
    const api = await startApi();
    const memory = () => ({ MEMORY_FILE_PATH: join(temporaryFolder(), 'memory.jsonl') });
    const server = (file: string) => ['env', `MEMORY_FILE_PATH=${file}`, ...serverCommand('server-memory')];
    const direct = await memoryTour(await connect(server(memory().MEMORY_FILE_PATH)));
    const session = await connect(server(memory().MEMORY_FILE_PATH), accountAt(api.url));
    expect(await memoryTour(session)).toEqual(direct);
    await expectRecorded(session, api);
  });

  test('what a server asks of the client, and tells it unasked, comes through: elicitation, roots, sampling, logs, progress', async () => {
    const api = await startApi();
    const methodsOf = async (session: McpSession) => {
      const { client, messages } = session;
      const seen = () =>
        new Set(messages.flatMap(({ message }) => ('method' in message ? [message.method] : [])));
      await client.setLoggingLevel('debug');
      const answers = await inOrder([
        () => call(session, 'trigger-elicitation-request', {}),
        () => call(session, 'trigger-sampling-request', { prompt: 'p', maxTokens: 3 }),
        () => call(session, 'get-roots-list', {}),
        () => call(session, 'toggle-simulated-logging', {}),
      ]);
      await client.sendRootsListChanged();
      await client.callTool(
        { name: 'trigger-long-running-operation', arguments: { duration: 0.1, steps: 2 } },
        undefined,
        { onprogress: () => undefined },
      );
      await until('the server to log', () => seen().has('notifications/message'));
      await until(
        'the roots to be asked for',
        () =>
          messages.filter(({ message }) => 'method' in message && message.method === 'roots/list').length > 1,
      );
      // A server that has more to log every five seconds does not end when its client does.
      answers.push(await call(session, 'toggle-simulated-logging', {}));
      return { answers, methods: [...seen()].sort() };
    };
    const direct = await methodsOf(await connectToEverything());
    const session = await connectToEverything(accountAt(api.url));
    const through = await methodsOf(session);
    expect(through).toEqual(direct);
    expect(through.methods).toEqual(
      expect.arrayContaining([
        'elicitation/create',
        'notifications/message',
        'notifications/progress',
        'notifications/roots/list_changed',
        'roots/list',
        'sampling/createMessage',
      ]),
    );
    await expectRecorded(session, api);
  });
});
