// Civic's passthrough proxy, from stdio to stdio, with no hooks.
import { PassthroughContext } from '@civic/passthrough-mcp-server';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

// It tells the console of each message, and stdout is the client's.
console.log = () => undefined;
const [command, ...args] = process.argv.slice(2);
const server = new StdioClientTransport({ command, args, stderr: 'inherit' });
process.stdin.on('end', () => void server.close().then(() => process.exit(0)));
await new PassthroughContext().connect(new StdioServerTransport(), server);
