import { Secret } from '@kilometers/auth';
import { readSecret } from '../read-secret.js';
import type { LoginKind } from './login-kind.js';
import { proveCredential } from './proof.js';

/** By an API key: typed unseen, piped in, or on the command line. */
export const apiKeyLogin: LoginKind = {
  usage: '--api-key-stdin',
  menu: 'with an API key',
  isMeant: ({ apiKey, apiKeyStdin = false }) => apiKeyStdin || apiKey !== undefined,
  async win(request) {
    const { context, flags } = request;
    if (flags.apiKey !== undefined) {
      context.tell(
        'km: other users of this machine can see --api-key in the list of processes, and shells remember it; --api-key-stdin is not seen',
      );
    }
    const apiKey =
      flags.apiKey ??
      (await readSecret({
        what: 'API key',
        flag: '--api-key-stdin',
        input: context.stdin(),
        clock: context.clock,
        prompt: context.prompt,
      }));
    return proveCredential({ kind: 'api_key', apiKey: new Secret(apiKey) }, request);
  },
};
