import { hash } from 'node:crypto';
import type { GrantKey } from '../../grant-record.js';
import { Secret } from '../../secret.js';
import type { EndedLogin, EndedOf, LoginStore, StoredLogin } from '../../stored-login.js';
import { grantId } from './grant-codec.js';
import { ID_BYTES } from './sealed-format.js';
import type { SealedFolder } from './sealed-folder.js';

/** As it is in the file: under a name that no half of a grant has, and one that is over under another. */
type Envelope = Partial<Readonly<Record<'login' | 'ended', Readonly<Record<string, unknown>>>>>;

/** Under what a profile's login is found. */
export function loginId(profile: string): Buffer {
  return hash('sha256', `login\n${profile}`, 'buffer').subarray(0, ID_BYTES);
}

/** Under what is found what is kept of a login that is over. By its grant: a profile may have had several. */
export function endedLoginId(grant: GrantKey): Buffer {
  return hash('sha256', `ended\n${grantId(grant).toString('hex')}`, 'buffer').subarray(0, ID_BYTES);
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

export function encodeEndedLogin(login: EndedLogin): Buffer {
  return Buffer.from(JSON.stringify({ ended: { ...login, clientSecret: login.clientSecret?.reveal() } }));
}

/** What was authenticated when it was opened has the shape that was written. */
function membersIn(plaintext: Buffer, name: keyof Envelope): object | undefined {
  const { [name]: login } = JSON.parse(plaintext.toString('utf8')) as Envelope;
  if (login === undefined) return undefined;
  const { apiKey, clientSecret, ...rest } = login;
  return {
    ...rest,
    ...(typeof apiKey === 'string' && { apiKey: new Secret(apiKey) }),
    ...(typeof clientSecret === 'string' && { clientSecret: new Secret(clientSecret) }),
  };
}

export function decodeLogin(plaintext: Buffer): StoredLogin | undefined {
  return membersIn(plaintext, 'login') as StoredLogin | undefined;
}

export function decodeEndedLogin(plaintext: Buffer): EndedLogin | undefined {
  return membersIn(plaintext, 'ended') as EndedLogin | undefined;
}

/** The logins of a user's profiles, sealed in `.credentials`. */
export function createLoginStore(folder: SealedFolder): LoginStore {
  const loginIn = (plaintext: Buffer | undefined): StoredLogin | undefined =>
    plaintext === undefined ? undefined : decodeLogin(plaintext);
  const all = async <T>(decode: (plaintext: Buffer) => T | undefined): Promise<readonly T[]> =>
    (await folder.readAll(folder.logins)).flatMap((plaintext) => decode(plaintext) ?? []);
  /** Replaces a login, or removes it; what is kept of the one before comes first. Returns that one. */
  const replace = (
    id: Buffer,
    next: Buffer | undefined,
    endedOf: EndedOf,
  ): Promise<StoredLogin | undefined> =>
    folder.whileWriting(async ({ read, write }) => {
      const before = loginIn(await read(folder.logins, id));
      const ended = before && endedOf(before);
      if (ended) await write(folder.logins, endedLoginId(ended.grant), encodeEndedLogin(ended));
      await write(folder.logins, id, next);
      return before;
    });
  return {
    get: async (profile) => loginIn(await folder.read(folder.logins, loginId(profile))),
    set: (login, endedOf = () => undefined) => replace(loginId(login.profile), encodeLogin(login), endedOf),
    remove: (profile) =>
      folder.whileWriting(({ write }) => write(folder.logins, loginId(profile), undefined)),
    list: () => all(decodeLogin),
    end: async (profile, endedOf) => {
      await replace(loginId(profile), undefined, endedOf);
    },
    listEnded: () => all(decodeEndedLogin),
    forget: (grant) =>
      folder.whileWriting(({ write }) => write(folder.logins, endedLoginId(grant), undefined)),
  };
}
