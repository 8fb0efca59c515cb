import { askSecret } from './ask-secret.js';
import type { LoginKind } from './login-kind.js';
import { proveCredential } from './proof.js';
import { wrongUsage } from './wrong-usage.js';

/** As a client, with its id and secret (RFC 6749 §4.4). */
export const clientLogin: LoginKind = {
  usage: '--client-id ID --client-secret-stdin',
  isMeant: ({ clientId, clientSecretStdin = false }) => clientId !== undefined || clientSecretStdin,
  async win(request) {
    const { context, flags } = request;
    const { clientId = '', clientSecretStdin = false } = flags;
    if (clientId === '' || !clientSecretStdin) {
      throw wrongUsage('client credentials are two: give --client-id ID and --client-secret-stdin');
    }
    const clientSecret = await askSecret('client secret', context);
    return proveCredential({ kind: 'client_credentials', clientId, clientSecret }, request);
  },
};
