import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  type JSONRPCMessage,
} from '@modelcontextprotocol/sdk/types.js';
import type { RunningLocalApi } from '@kilometers/local-api';
import { onTestFinished } from 'vitest';
import { storedEvents } from './api.js';
import { KM } from './km.js';
import { until } from './until.js';

const require = createRequire(import.meta.url);

/** The command of a server, with its arguments. */
export function serverCommand(
  name: 'server-everything' | 'server-filesystem' | 'server-memory',
  ...args: readonly string[]
): string[] {
  return [process.execPath, require.resolve(`@modelcontextprotocol/${name}/dist/index.js`), ...args];
}

/** A message as the client saw it. */
export type SeenMessage = { readonly direction: 'inbound' | 'outbound'; readonly message: JSONRPCMessage };

/** A real client, connected. */
export type McpSession = {
  readonly client: Client;
  /** All that the client sent and received, in its order. */
  readonly messages: readonly SeenMessage[];
  /** What came on stderr. */
  readonly stderr: () => string;
  readonly pid: number;
};

/** Connects the SDK's client to server-everything: through `km monitor` where an environment for it is given. */
export function connectToEverything(kmEnvironment?: Record<string, string>): Promise<McpSession> {
  return connect(serverCommand('server-everything'), kmEnvironment);
}

/** Connects the SDK's client to a server: through `km monitor` where an environment for it is given. */
export async function connect(
  server: readonly string[],
  kmEnvironment?: Record<string, string>,
): Promise<McpSession> {
  const [command = '', ...args] =
    kmEnvironment === undefined ? server : [process.execPath, KM, 'monitor', '--server', '--', ...server];
  const transport = new StdioClientTransport({
    command,
    args,
    stderr: 'pipe',
    ...(kmEnvironment === undefined ? {} : { env: kmEnvironment }),
  });
  const stderr: Buffer[] = [];
  transport.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));

  const messages: SeenMessage[] = [];
  const send = transport.send.bind(transport);
  transport.send = (message) => {
    messages.push({ direction: 'outbound', message });
    return send(message);
  };
  transport.onmessage = (message) => messages.push({ direction: 'inbound', message });

  const client = new Client(
    { name: 'e2e', version: '1.0.0' },
    { capabilities: { sampling: {}, roots: { listChanged: true }, elicitation: {} } },
  );
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: 'none',
    role: 'assistant',
    content: { type: 'text', text: 'sampled' },
  }));
  client.setRequestHandler(ElicitRequestSchema, () => ({
    action: 'accept',
    content: { name: 'A human' },
  }));
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///roots/one' }] }));
  await client.connect(transport);
  onTestFinished(() => client.close());
  return { client, messages, stderr: () => Buffer.concat(stderr).toString(), pid: transport.pid ?? 0 };
}

/**
 * Ends a session once all its messages are at the API: the client gives `km` four seconds to end, and on a slow machine the last
 * of them would wait in the queue.
 */
export async function closeOnceStored(
  { client, messages }: McpSession,
  api: Pick<RunningLocalApi, 'store'>,
): Promise<void> {
  await until('every message is at the API', () => storedEvents(api).length >= messages.length, 40_000);
  await client.close();
}
