import { isAuthError, Secret, type RevocableToken } from '@kilometers/auth';
import type { TokenAuthority } from '../revocation/revoke-at.js';
import type { SegmentKeys } from './segment-keys.js';
import { segmentPath, type SegmentFile } from './segment-name.js';
import { SegmentReader } from './segment-reader.js';
import { SegmentWriter, type NewSegment } from './segment-writer.js';

/** Tokens that whoever issued them is to end, and could not be told. */
export type PendingRevocation = TokenAuthority & {
  /** In the order in which it is to be told: a refresh token first. */
  readonly tokens: readonly RevocableToken[];
};

const PURPOSE = 'queue of revocations';

/** Writes a revocation into a file of its own, and resolves with its name. Fails as the file system does. */
export async function writeRevocation(
  { apiEndpoint, oauth, tokens }: PendingRevocation,
  place: Pick<NewSegment, 'folder' | 'sealer' | 'clock'>,
): Promise<string> {
  const description = { apiEndpoint, ...(oauth !== undefined && { oauth: describe(oauth) }) };
  const writer = await SegmentWriter.create({ ...place, purpose: PURPOSE, description });
  try {
    const heads = tokens.map(({ token, kind }) => JSON.stringify({ kind, token: token.reveal() }));
    await writer.append(heads.map((head) => ({ head, body: Buffer.alloc(0) })));
  } finally {
    await writer.close();
  }
  return writer.file.name;
}

/**
 * `useless`: it does not open, and never will. `kept`: it may, with a newer version, or once the disk reads it. `foreign`:
 * its key is in another folder of this user's, or gone.
 */
export async function readRevocation(
  file: SegmentFile,
  keys: SegmentKeys,
): Promise<PendingRevocation | 'useless' | 'kept' | 'foreign'> {
  const reader = await SegmentReader.open(segmentPath(file), PURPOSE, keys).catch((error: unknown) => {
    // Without a key nothing of all this can be told.
    if (isAuthError(error)) throw error;
    return undefined;
  });
  if (reader === undefined) return 'kept';
  if (!(reader instanceof SegmentReader)) {
    if (reader.kind === 'foreign') return 'foreign';
    return reader.kind === 'newer' ? 'kept' : 'useless';
  }
  try {
    const description = membersIn(await reader.next());
    const { apiEndpoint } = description;
    if (typeof apiEndpoint !== 'string') return 'useless';
    const oauth = authorityIn(description['oauth']);
    const tokens: RevocableToken[] = [];
    for (let record = await reader.next(); record !== undefined; record = await reader.next()) {
      const { token, kind } = membersIn(record);
      if (typeof token !== 'string' || (kind !== 'refresh_token' && kind !== 'access_token')) continue;
      tokens.push({ token: new Secret(token), kind });
    }
    return { apiEndpoint, ...(oauth !== undefined && { oauth }), tokens };
  } finally {
    await reader.close();
  }
}

type Authority = NonNullable<TokenAuthority['oauth']>;

function describe({ provider, clientSecret }: Authority): object {
  return { provider, ...(clientSecret !== undefined && { clientSecret: clientSecret.reveal() }) };
}

/** What `describe` made; `undefined` where there was nothing. */
function authorityIn(value: unknown): Authority | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { provider, clientSecret } = value as Readonly<Record<string, unknown>>;
  return {
    provider: provider as Authority['provider'],
    ...(typeof clientSecret === 'string' && { clientSecret: new Secret(clientSecret) }),
  };
}

function membersIn(record: { readonly head: string } | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(record?.head ?? '{}');
    return (value ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
