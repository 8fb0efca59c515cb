import { noAnswerError } from '../no-answer.js';
import { jsonObject } from '../../json-object.js';
import type { RevocableToken } from '../../ports.js';
import type { OAuthConnection } from './oauth-connection.js';
import { oauthRefusalError, saysError } from './oauth-refusal.js';

/**
 * What an issuer says of a token; each member but the first where it says it.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7662#section-2.2 | RFC 7662 §2.2}
 */
export type Introspection = {
  /** Whether the issuer takes the token now. */
  readonly isActive: boolean;
  readonly scopes?: readonly string[];
  readonly clientId?: string;
  readonly subject?: string;
  readonly username?: string;
  readonly audience?: readonly string[];
  readonly tokenType?: string;
  /** In milliseconds since the epoch, by the issuer's clock. */
  readonly issuedAtMs?: number;
  /** In milliseconds since the epoch, by the issuer's clock. */
  readonly expiresAtMs?: number;
  /** Of the key to which the token is bound (RFC 9449 §6.2). */
  readonly keyThumbprint?: string;
};

type Members = Readonly<Record<string, unknown>>;

/** The members that are there, and are what they should be. */
function present<T extends object>(members: T): { readonly [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
const msOf = (seconds: unknown): number | undefined =>
  typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1_000 : undefined;
const textsOf = (value: unknown): readonly string[] | undefined => {
  const texts = (Array.isArray(value) ? value : [value]).flatMap((each) => textOf(each) ?? []);
  return texts.length === 0 ? undefined : texts;
};

function introspectionOf(members: Members): Introspection {
  // Of a token that is not active nothing else is to be believed.
  if (members['active'] !== true) return { isActive: false };
  const confirmation = members['cnf'] as Members | undefined;
  return {
    isActive: true,
    ...present({
      scopes: textOf(members['scope'])?.split(' '),
      clientId: textOf(members['client_id']),
      subject: textOf(members['sub']),
      username: textOf(members['username']),
      audience: textsOf(members['aud']),
      tokenType: textOf(members['token_type']),
      issuedAtMs: msOf(members['iat']),
      expiresAtMs: msOf(members['exp']),
      keyThumbprint: textOf(confirmation?.['jkt']),
    }),
  };
}

/** As `OAuthProvider.introspect`. */
export async function introspectToken(
  { wire, endpoint }: OAuthConnection,
  { token, kind }: RevocableToken,
): Promise<Introspection> {
  const { library } = wire;
  const { url, server, auth } = await endpoint.open(
    'introspection_endpoint',
    'it says nothing of its tokens',
  );
  const answer = await wire.read(
    url.origin,
    library.introspectionRequest(server, wire.client(), auth, token.reveal(), {
      additionalParameters: { token_type_hint: kind },
      ...wire.sending(),
    }),
  );
  const members = jsonObject(answer.text);
  if (answer.status === 200 && typeof members?.['active'] === 'boolean') return introspectionOf(members);
  if (answer.status === 200 && !saysError(answer.text)) {
    const question = { asked: 'the question about a token', lacks: 'answer' };
    throw noAnswerError(url.origin, question, { status: answer.status, isAnswerLost: false });
  }
  const secrets = [token.reveal()];
  throw oauthRefusalError({ answer, origin: url.origin, what: 'to say how a token is', secrets });
}
