import type { Clock } from '@kilometers/auth';
import { proxyAddress, proxyFor } from './proxy-choice.js';
import { trustedCertificates } from './trusted-certificates.js';
import { TunnelAgent } from './tunnel-agent.js';

/** How a server is reached that Node alone would not reach as the environment wants it. */
export type OwnRoute = {
  /** For a request that gets a connection of its own. */
  readonly once: TunnelAgent;
  /** For one that may use a connection again. */
  readonly kept: TunnelAgent;
};

/** Makes each route once. */
export class OwnRoutes {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #routes = new Map<string, OwnRoute>();

  /** @param idleMs how long a connection is kept that nobody uses. */
  constructor(environment: NodeJS.ProcessEnv, clock: Clock, idleMs: number) {
    this.#environment = environment;
    this.#clock = clock;
    this.#idleMs = idleMs;
  }

  /**
   * The route to `url`; `undefined` where Node's own does.
   *
   * @throws {Error} where a variable cannot be used, saying which.
   */
  to(url: URL): OwnRoute | undefined {
    if (url.protocol !== 'https:') return undefined;
    const variable = proxyFor(url, this.#environment);
    const ca = trustedCertificates(this.#environment);
    if (variable === undefined && ca === undefined) return undefined;
    const name = variable?.value ?? '';
    const known = this.#routes.get(name);
    if (known !== undefined) return known;
    const proxy = variable === undefined ? undefined : proxyAddress(variable);
    const options = { proxy, ca, clock: this.#clock };
    const route = {
      once: new TunnelAgent({ ...options, idleMs: undefined }),
      kept: new TunnelAgent({ ...options, idleMs: this.#idleMs }),
    };
    this.#routes.set(name, route);
    return route;
  }
}
