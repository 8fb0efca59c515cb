import type { TroubleRule } from '@kilometers/local-api';
import type { CommandContext } from '../command-context.js';

/** Let in when no `--api-key` says which. */
const EXAMPLE_KEY = 'km_live_local_development';

export type DevFlags = {
  readonly port: number;
  /** In milliseconds. */
  readonly tokenTtl?: number;
  readonly apiKey?: readonly string[];
  readonly db?: string;
  readonly fail?: readonly string[];
  /** In milliseconds. */
  readonly latency?: number;
};

/** `km dev`: runs the embedded Kilometers API until a signal ends it. */
export async function runDev(flags: DevFlags, context: CommandContext): Promise<number> {
  const { parseTrouble, startLocalApi } = await import('@kilometers/local-api');
  const { apiKey = [EXAMPLE_KEY], latency = 0, fail = [] } = flags;
  // Of the rules that befall a request only the oldest is used: each has to be late by itself.
  const trouble = fail.map(parseTrouble).map((rule) => later(rule, latency));
  const stopped = new Promise<void>((resolve) => {
    context.onSignal(() => resolve());
  });
  const api = await startLocalApi({
    port: flags.port,
    apiKeys: apiKey,
    trouble: latency === 0 ? trouble : [...trouble, later({ path: '/*', count: Infinity }, latency)],
    ...(flags.tokenTtl === undefined ? {} : { tokenTtlMs: flags.tokenTtl }),
    ...(flags.db === undefined ? {} : { database: flags.db }),
    ...(context.isDebug ? { log: true } : {}),
  });
  try {
    await context.answer(`${api.url}\n`);
    context.tell(`km: the Kilometers API runs at ${api.url}; Ctrl-C stops it`);
    context.tell(
      `km: in another shell: export KILOMETERS_API_ENDPOINT=${api.url} KILOMETERS_API_KEY=${apiKey[0] ?? ''}`,
    );
    context.tell('km: or for good, and for programs that no shell starts:');
    context.tell(`    km init --endpoint ${api.url} --api-key ${apiKey[0] ?? ''}`);
    await stopped;
    return 0;
  } finally {
    await api.close();
  }
}

function later(rule: TroubleRule, byMs: number): TroubleRule {
  return byMs === 0 ? rule : { ...rule, latencyMs: (rule.latencyMs ?? 0) + byMs };
}
