import type { Client } from '@modelcontextprotocol/sdk/client/index.js';

/** One thing a client asks of a server, and how its answer reads in a few words. */
export type TourStop = {
  readonly name: string;
  readonly ask: (client: Client, round: number) => Promise<string>;
  /** How long its answer may take, in milliseconds. Default 10 000. */
  readonly limitMs?: number;
};

/** What the demo asks, over and over. */
export const TOUR: readonly TourStop[] = [
  { name: 'tools/list', ask: async (client) => `${(await client.listTools()).tools.length} tools` },
  {
    name: 'tools/call echo',
    ask: (client, round) => callTool(client, 'echo', { message: `round ${round}` }),
  },
  { name: 'tools/call get-sum', ask: (client, round) => callTool(client, 'get-sum', { a: round, b: 40 }) },
  {
    name: 'tools/call get-structured-content',
    ask: (client) => callTool(client, 'get-structured-content', { location: 'Chicago' }),
  },
  { name: 'tools/call get-tiny-image', ask: (client) => callTool(client, 'get-tiny-image', {}) },
  { name: 'ping', ask: async (client) => (await client.ping(), 'pong') },
  {
    name: 'resources/list',
    ask: async (client) => `${(await client.listResources()).resources.length} resources`,
  },
  {
    name: 'resources/read',
    ask: async (client, round) => {
      const { contents } = await client.readResource({ uri: `demo://resource/dynamic/text/${round}` });
      return contents[0]?.uri ?? 'nothing';
    },
  },
  { name: 'prompts/list', ask: async (client) => `${(await client.listPrompts()).prompts.length} prompts` },
  {
    name: 'prompts/get',
    ask: async (client) => {
      const { messages } = await client.getPrompt({ name: 'args-prompt', arguments: { city: 'Chicago' } });
      const content = messages[0]?.content;
      return content?.type === 'text' ? content.text : 'nothing';
    },
  },
];

async function callTool(client: Client, name: string, args: Record<string, unknown>): Promise<string> {
  const result = await client.callTool({ name, arguments: args });
  const content = result.content as readonly { readonly type: string; readonly text?: string }[];
  return content.map((each) => each.text ?? `(${each.type})`).join(' ');
}
