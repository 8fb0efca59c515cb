// A relay of the MCP SDK's transports: each message is parsed, checked and written anew.
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

const [command, ...args] = process.argv.slice(2);
const server = new StdioClientTransport({ command, args, stderr: 'inherit' });
const client = new StdioServerTransport();
client.onmessage = (message) => void server.send(message);
server.onmessage = (message) => void client.send(message);
server.onclose = () => process.exit(0);
process.stdin.on('end', () => void server.close());
await server.start();
await client.start();
