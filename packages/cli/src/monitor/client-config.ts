import { basename } from 'node:path';
import type { Client } from './mcp-clients.js';

export type ClientConfigOptions = {
  readonly client: Client;
  /** How `km` is run: words with absolute paths, for a client's PATH is not that of a terminal. */
  readonly km: readonly [string, ...string[]];
  /** What `km monitor` is given before the server's command. */
  readonly flags: readonly string[];
  /** Variables that the client is to set. */
  readonly env: Readonly<Record<string, string>>;
  /** The server's command, as it means the same wherever a client starts it. */
  readonly server: readonly [string, ...string[]];
};

/** Where Claude Desktop keeps its configuration. */
export function claudeConfigPath(platform: NodeJS.Platform): string {
  switch (platform) {
    case 'darwin':
      return '~/Library/Application Support/Claude/claude_desktop_config.json';
    case 'win32':
      return '%APPDATA%\\Claude\\claude_desktop_config.json';
    default:
      return '~/.config/Claude/claude_desktop_config.json';
  }
}

const PLACES: Readonly<Record<Client, (platform: NodeJS.Platform) => string>> = {
  claude: (platform) =>
    `${claudeConfigPath(platform)} (in Claude Desktop: Settings, Developer, Edit Config), then start Claude Desktop anew`,
  cursor: () => '~/.cursor/mcp.json, or .cursor/mcp.json in a project',
  vscode: () => '.vscode/mcp.json in a workspace, or what "MCP: Open User Configuration" opens',
};

/** Where the text of {@link clientConfig} belongs. */
export function placeOfConfig(client: Client, platform: NodeJS.Platform): string {
  return PLACES[client](platform);
}

/** Where the login, and the queue, are looked for: a client that is not started from this shell looks elsewhere. */
const FOLDERS = ['KM_CONFIG_DIR', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME'];

/** The variables of `environment` that say where `km` keeps its files, as they mean the same everywhere. */
export function folderVariables(
  environment: NodeJS.ProcessEnv,
  resolvePath: (path: string) => string,
): Readonly<Record<string, string>> {
  const set = FOLDERS.map((name) => [name, environment[name] ?? ''] as const);
  return Object.fromEntries(
    set.filter(([, path]) => path !== '').map(([name, path]) => [name, resolvePath(path)]),
  );
}

/** The configuration that makes a client run a server through `km monitor`, as JSON. */
export function clientConfig({ client, km, flags, env, server }: ClientConfigOptions): string {
  const [command, ...kmArgs] = km;
  const entry = {
    ...(client === 'vscode' ? { type: 'stdio' } : {}),
    command,
    args: [...kmArgs, 'monitor', ...flags, '--server', '--', ...server],
    ...(Object.keys(env).length === 0 ? {} : { env }),
  };
  const servers = { [nameOf(server)]: entry };
  return JSON.stringify(client === 'vscode' ? { servers } : { mcpServers: servers }, null, 2);
}

/** Programs that run others: the name of the server is further on. */
const RUNNERS =
  /^(node|nodejs|npx|npm|pnpm|yarn|bun|bunx|deno|tsx|python[\d.]*|uv|uvx|pipx|docker|podman|sh|bash|env|exec|run|dlx)$/;

/** A name for the server, from its command: `filesystem` for `npx -y @modelcontextprotocol/server-filesystem /data`. */
function nameOf(server: readonly string[]): string {
  const names = server
    .filter((word) => !word.startsWith('-') && !word.includes('='))
    .map((word) =>
      basename(word)
        .replace(/(?<=.)@[^@]*$/, '')
        .replace(/\.(exe|cmd|[cm]?[jt]s|py|sh|rb)$/, '')
        .replace(/^(mcp-)?server-(?=.)|-mcp-server$|-mcp$/, ''),
    );
  return names.find((name) => name !== '' && !RUNNERS.test(name)) ?? 'server';
}
