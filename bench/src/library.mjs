// The library as its users get it: built, not from source.
import { existsSync } from 'node:fs';

const ENTRY = new URL('../../packages/auth/dist/index.js', import.meta.url);
if (!existsSync(ENTRY)) throw new Error('the library is not built: run `npm run build` first');

export const { AuthToken, createAuthManager, createAuthenticatedClient, createFileCache, Secret } =
  await import(ENTRY.href);

const HOUR_MS = 3_600_000;

/** A manager that gets hour-long tokens from nowhere, and holds one for each of `scopes`. */
export async function managerHolding(scopes, apiEndpoint = 'http://127.0.0.1:9') {
  const manager = createAuthManager({
    apiEndpoint,
    apiKey: 'km_pro_bench',
    provider: {
      requestToken: (request) => {
        const issuedAtMs = Date.now();
        const value = `token-for-${request.scopes.at(-1)}`;
        const expiresAtMs = issuedAtMs + HOUR_MS;
        return Promise.resolve({
          token: new AuthToken({ value, scopes: request.scopes, issuedAtMs, expiresAtMs }),
        });
      },
    },
  });
  for (const scope of scopes) await manager.getValidToken(scope);
  return manager;
}
