import { hash } from 'node:crypto';
import { Secret } from '../../secret.js';
import type { LoginStore, StoredLogin } from '../../stored-login.js';
import { ID_BYTES } from './sealed-format.js';
import type { SealedFolder } from './sealed-folder.js';

/** As it is in the file: under a name that no half of a grant has. */
type Envelope = { readonly login?: Readonly<Record<string, unknown>> };

/** Under what a profile's login is found. */
export function loginId(profile: string): Buffer {
  return hash('sha256', `login\n${profile}`, 'buffer').subarray(0, ID_BYTES);
}

function revealed(login: StoredLogin): Readonly<Record<string, unknown>> {
  switch (login.kind) {
    case 'api_key':
      return { ...login, apiKey: login.apiKey.reveal() };
    case 'client_credentials':
      return { ...login, clientSecret: login.clientSecret.reveal() };
    case 'oauth': {
      const { clientSecret, ...rest } = login;
      return { ...rest, ...(clientSecret !== undefined && { clientSecret: clientSecret.reveal() }) };
    }
    case 'refresh_token':
      return login;
  }
}

export function encodeLogin(login: StoredLogin): Buffer {
  return Buffer.from(JSON.stringify({ login: revealed(login) }));
}

/** What was authenticated when it was opened has the shape that was written. */
export function decodeLogin(plaintext: Buffer): StoredLogin | undefined {
  const { login } = JSON.parse(plaintext.toString('utf8')) as Envelope;
  if (login === undefined) return undefined;
  const { apiKey, clientSecret, ...rest } = login;
  return {
    ...rest,
    ...(typeof apiKey === 'string' && { apiKey: new Secret(apiKey) }),
    ...(typeof clientSecret === 'string' && { clientSecret: new Secret(clientSecret) }),
  } as StoredLogin;
}

/** The logins of a user's profiles, sealed in `.credentials`. */
export function createLoginStore(folder: SealedFolder): LoginStore {
  const loginIn = (plaintext: Buffer | undefined): StoredLogin | undefined =>
    plaintext === undefined ? undefined : decodeLogin(plaintext);
  return {
    get: async (profile) => loginIn(await folder.read(folder.logins, loginId(profile))),
    set: (login) =>
      folder.whileWriting(async ({ read, write }) => {
        const id = loginId(login.profile);
        const before = loginIn(await read(folder.logins, id));
        await write(folder.logins, id, encodeLogin(login));
        return before;
      }),
    remove: (profile) =>
      folder.whileWriting(({ write }) => write(folder.logins, loginId(profile), undefined)),
    async list() {
      return (await folder.readAll(folder.logins)).flatMap((plaintext) => decodeLogin(plaintext) ?? []);
    },
  };
}
