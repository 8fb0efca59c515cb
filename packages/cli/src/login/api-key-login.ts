import { Secret } from '@kilometers/auth';
import { askSecret } from './ask-secret.js';
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
        'km: other users of this machine can see --api-key in the list of processes, and shells remember it; `km auth login --api-key-stdin` is not seen',
      );
    }
    const apiKey =
      flags.apiKey === undefined ? await askSecret('API key', context) : new Secret(flags.apiKey);
    return proveCredential({ kind: 'api_key', apiKey }, request);
  },
};
