/** The MCP clients whose configuration is known. */
export const CLIENTS = ['claude', 'cursor', 'vscode'] as const;

export type Client = (typeof CLIENTS)[number];
