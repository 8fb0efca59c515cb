import { expect, test } from 'vitest';
import { startKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, logInByWeb } from './support/oauth-km.js';
import { startOAuthServer, type Trouble } from './support/oauth-server.js';
import { until } from './support/until.js';

const PROCESSES = 32;
const TOKEN_TTL_SECONDS = 5;
/** What befalls the refreshes of each expiry. All ten with KM_ALL_STORMS=1: the token's life has to pass in each. */
const TROUBLES: readonly (readonly Trouble[])[] = [
  [{ status: 503, headers: { 'retry-after': '1' } }, 'dropped'],
  [{ slowMs: 2_000 }],
  ...(process.env['KM_ALL_STORMS'] === '1' ? Array.from({ length: 8 }, () => []) : []),
];

test(
  `${String(TROUBLES.length)} expiries met by ${String(PROCESSES)} km at once, with a 503, a dropped connection and a slow answer between: no grant is revoked`,
  { timeout: 300_000 },
  async () => {
    const server = await startOAuthServer({ clients: [CLI], tokenTtl: TOKEN_TTL_SECONDS });
    const { env, code } = await logInByWeb([...at(server), '--web', '--scope', 'openid offline_access read']);
    expect(code).toBe(0);
    let wonAtMs = Date.now();
    for (const troubles of TROUBLES) {
      await until('the token is over', () => Date.now() > wonAtMs + TOKEN_TTL_SECONDS * 1_000);
      const before = server.refreshes();
      server.next(...troubles);
      const beganAtMs = Date.now();
      const runs = Array.from({ length: PROCESSES }, () => startKm(['auth', 'token'], env));
      for (const km of runs)
        expect({ ...(await km.ended), said: km.stderr() }).toMatchObject({ code: 0, said: '' });
      expect(runs.every((km) => km.stdout().length > 20)).toBe(true);
      wonAtMs = server.refreshedAtMs();
      // They may take longer to start than a token is fresh, which is half of its life, or a tenth of that less: one refresh each time,
      // not one a process.
      const livesMet = Math.ceil((Date.now() - beganAtMs) / (TOKEN_TTL_SECONDS * 450));
      expect(server.refreshes() - before).toBeLessThanOrEqual(livesMet);
    }
    const sent = server.seen.flatMap(({ path, body }) =>
      path === '/token' ? (body.get('refresh_token') ?? []) : [],
    );
    expect(server.revoked()).toBe(0);
    expect(new Set(sent).size).toBe(server.refreshes());
  },
);
