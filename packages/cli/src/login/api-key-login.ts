import { Secret } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import { secretIn } from '../read-secret.js';
import { askSecret } from './ask-secret.js';
import type { AuthLoginFlags, LoginKind } from './login-kind.js';
import { proveCredential } from './proof.js';

/** By an API key: typed unseen, piped in, or on the command line. */
export const apiKeyLogin: LoginKind = {
  usage: '--api-key-stdin',
  menu: 'with an API key',
  isMeant: ({ apiKey, apiKeyStdin = false }) => apiKeyStdin || apiKey !== undefined,
  async win(request) {
    const { context, flags } = request;
    const given = givenKey(flags);
    if (given !== undefined) {
      context.tell(
        'km: other users of this machine can see --api-key in the list of processes, and shells remember it; `km auth login --api-key-stdin` is not seen',
      );
    }
    const apiKey = given ?? (await askSecret('API key', context));
    return proveCredential({ kind: 'api_key', apiKey }, request);
  },
};

/** The key on the command line. */
function givenKey({ apiKey, apiKeyStdin = false }: AuthLoginFlags): Secret | undefined {
  if (apiKey === undefined) return undefined;
  if (apiKeyStdin)
    throw new CliError('give --api-key or --api-key-stdin, not both', { exitCode: EXIT.usage });
  return new Secret(secretIn(apiKey, 'API key', '--api-key is empty: give the key'));
}
