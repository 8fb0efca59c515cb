import type { Agent } from 'node:http';
import type { Clock, NodeTransportOptions } from '@kilometers/auth';
import { createAgentFetch } from './agent-fetch.js';
import type { OwnRoute, OwnRoutes } from './own-routes.js';

/** How requests leave this process. */
export type Network = {
  /** What connects token requests, where Node alone would not connect them as the environment wants it. */
  readonly agent: NodeTransportOptions['agent'] | undefined;
  /** Sends everything else. Follows no redirect. */
  readonly fetch: typeof fetch;
};

const VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'SSL_CERT_FILE'] as const;

/** Servers let a connection go that nobody uses, some after 5 s: a request that is on its way just then is lost. */
const IDLE_MS = 4_000;

/**
 * Node's own way to the network, or through the proxy and with the certificates that the environment names. Where it
 * names none, nothing of that is loaded.
 */
export function createNetwork(environment: NodeJS.ProcessEnv, clock: Clock, userAgent: string): Network {
  const isPlain = VARIABLES.every((name) => (environment[name] ?? '') === '');
  let routes: Promise<OwnRoutes> | undefined;
  const routeTo = async (url: URL): Promise<OwnRoute | undefined> => {
    if (isPlain) return undefined;
    routes ??= import('./own-routes.js').then(
      ({ OwnRoutes: Routes }) => new Routes(environment, clock, IDLE_MS),
    );
    return (await routes).to(url);
  };
  const plain = new Map<string, Agent>();
  const plainFor = ({ protocol }: URL): Agent => {
    const { Agent: Plain } = process.getBuiltinModule(protocol === 'https:' ? 'node:https' : 'node:http');
    const agent = plain.get(protocol) ?? new Plain({ keepAlive: true, timeout: IDLE_MS });
    plain.set(protocol, agent);
    return agent;
  };
  return {
    agent: isPlain ? undefined : async (url) => (await routeTo(url))?.once,
    fetch: createAgentFetch(async (url) => (await routeTo(url))?.kept ?? plainFor(url), userAgent),
  };
}
