import type { Clock, NodeTransportOptions } from '@kilometers/auth';
import type { OwnRoutes } from './own-routes.js';

/** How requests leave this process. */
export type Network = {
  /** What connects token requests, where Node alone would not connect them as the environment wants it. */
  readonly agent: NodeTransportOptions['agent'] | undefined;
  /** Sends everything else. Follows no redirect where there is such an agent. */
  readonly fetch: typeof fetch;
};

const VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'SSL_CERT_FILE'] as const;

/**
 * Node's own way to the network, or through the proxy and with the certificates that the environment names. Where it
 * names none, nothing of that is loaded.
 */
export function createNetwork(environment: NodeJS.ProcessEnv, clock: Clock, send: typeof fetch): Network {
  if (VARIABLES.every((name) => (environment[name] ?? '') === '')) return { agent: undefined, fetch: send };
  let routes: Promise<OwnRoutes> | undefined;
  const ownRoutes = (): Promise<OwnRoutes> =>
    (routes ??= import('./own-routes.js').then(({ OwnRoutes: Routes }) => new Routes(environment, clock)));
  return {
    agent: async (url) => (await ownRoutes()).to(url)?.agent,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const route = (await ownRoutes()).to(url);
      return (route?.fetch ?? send)(input, init);
    },
  };
}
