import { hash } from 'node:crypto';
import { AuthToken } from '../../auth-token.js';
import { areTokensTheLogin } from '../../grant-key.js';
import {
  EMPTY_GRANT,
  type GrantKey,
  type GrantRecord,
  type LeftOverToken,
  type RefreshToken,
} from '../../grant-record.js';
import { Secret } from '../../secret.js';
import { ID_BYTES } from './sealed-format.js';

/*
 * A grant's record in two halves. What can mint tokens is in one file, tokens and what is noted of their
 * requests in the other: removing the second loses no login. Tokens that are the login themselves are in both.
 */

type TokenFields = {
  readonly value: string;
  readonly type: string;
  readonly scopes: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly proofKey?: string;
};

type TokensHalf = Pick<
  GrantRecord,
  'unexplainedRequestsAtMs' | 'requestUnderWayAtMs' | 'notBeforeMs' | 'lastFailure' | 'endedAtMs'
> & {
  readonly key: GrantKey;
  readonly tokens: Readonly<Record<string, TokenFields>>;
};

/** That a login was ended is in both: who waits for an answer must not bring it back where the tokens were removed since. */
type LoginHalf = Pick<GrantRecord, 'sentRefresh' | 'endedAtMs'> & {
  readonly key: GrantKey;
  readonly refreshToken?: Omit<RefreshToken, 'secret'> & { readonly value: string };
  readonly proofKey?: string;
  /** Its access tokens too, in a half where no version looks for tokens to use. */
  readonly leftOver?: readonly (Pick<LeftOverToken, 'kind'> & { readonly value: string })[];
  /** Where they are all that there is of the login. */
  readonly tokens?: TokensHalf['tokens'];
};

/** The halves in the order in which they are written: what must not be lost comes first. */
export type GrantHalves = { readonly login: Buffer | undefined; readonly tokens: Buffer | undefined };

/** Under what a grant is found. */
export function grantId({ apiOrigin, profile, credential }: GrantKey): Buffer {
  return hash('sha256', `grant\n${apiOrigin}\n${profile}\n${credential}`, 'buffer').subarray(0, ID_BYTES);
}

function fieldsOf(token: AuthToken): TokenFields {
  const { type, scopes, issuedAtMs, expiresAtMs, proofKey } = token;
  const fields = { value: token.reveal(), type, scopes, issuedAtMs, expiresAtMs };
  return proofKey === undefined ? fields : { ...fields, proofKey: proofKey.reveal() };
}

function tokenOf({ proofKey, ...fields }: TokenFields): AuthToken {
  return new AuthToken(proofKey === undefined ? fields : { ...fields, proofKey: new Secret(proofKey) });
}

function refreshFields({ secret, ...rest }: RefreshToken): NonNullable<LoginHalf['refreshToken']> {
  return { ...rest, value: secret.reveal() };
}

export function encodeGrant(key: GrantKey, record: GrantRecord): GrantHalves {
  const { tokens, refreshToken, sentRefresh, proofKey, leftOver } = record;
  const { unexplainedRequestsAtMs, requestUnderWayAtMs, notBeforeMs, lastFailure, endedAtMs } = record;
  const tokenFields = Object.fromEntries([...tokens].map(([scope, token]) => [scope, fieldsOf(token)]));
  const isLogin = areTokensTheLogin(key, record);
  const login: LoginHalf = {
    key,
    ...(refreshToken !== undefined && { refreshToken: refreshFields(refreshToken) }),
    ...(sentRefresh !== undefined && { sentRefresh }),
    ...(proofKey !== undefined && { proofKey: proofKey.reveal() }),
    ...(leftOver !== undefined && {
      leftOver: leftOver.map(({ kind, token }) => ({ kind, value: token.reveal() })),
    }),
    ...(endedAtMs !== undefined && { endedAtMs }),
    ...(isLogin && { tokens: tokenFields }),
  };
  const half: TokensHalf = {
    key,
    tokens: tokenFields,
    unexplainedRequestsAtMs,
    ...(requestUnderWayAtMs !== undefined && { requestUnderWayAtMs }),
    ...(notBeforeMs !== undefined && { notBeforeMs }),
    ...(lastFailure !== undefined && { lastFailure }),
    ...(endedAtMs !== undefined && { endedAtMs }),
  };
  const others = [refreshToken, sentRefresh, proofKey, leftOver, endedAtMs];
  return {
    login:
      isLogin || others.some((each) => each !== undefined) ? Buffer.from(JSON.stringify(login)) : undefined,
    tokens: Buffer.from(JSON.stringify(half)),
  };
}

/** The half in `plaintext`. It was authenticated when it was opened: its shape is what was written. */
function parseHalf(plaintext: Buffer): unknown {
  return JSON.parse(plaintext.toString('utf8'));
}

/** The tokens in a half, by key. */
export function decodeTokens(plaintext: Buffer | undefined): GrantRecord['tokens'] {
  return tokensOf(plaintext === undefined ? {} : (parseHalf(plaintext) as TokensHalf));
}

function tokensOf({ tokens = {} }: Partial<Pick<TokensHalf, 'tokens'>>): GrantRecord['tokens'] {
  return new Map(Object.entries(tokens).map(([scope, fields]) => [scope, tokenOf(fields)]));
}

export function decodeGrant({ login, tokens }: GrantHalves): GrantRecord | undefined {
  if (login === undefined && tokens === undefined) return undefined;
  const loginHalf: Partial<LoginHalf> = login === undefined ? {} : (parseHalf(login) as LoginHalf);
  const { refreshToken, sentRefresh, proofKey, leftOver } = loginHalf;
  const half: Partial<TokensHalf> = tokens === undefined ? {} : (parseHalf(tokens) as TokensHalf);
  const { endedAtMs = loginHalf.endedAtMs } = half;
  const { value = '', ...rest } = refreshToken ?? {};
  return {
    ...EMPTY_GRANT,
    tokens: new Map([...tokensOf(loginHalf), ...tokensOf(half)]),
    unexplainedRequestsAtMs: half.unexplainedRequestsAtMs ?? [],
    ...(refreshToken !== undefined && {
      refreshToken: {
        issuedAtMs: 0,
        ...rest,
        secret: new Secret(value),
      },
    }),
    ...(proofKey !== undefined && { proofKey: new Secret(proofKey) }),
    ...(sentRefresh !== undefined && { sentRefresh }),
    ...(leftOver !== undefined && {
      leftOver: leftOver.map(({ kind, value: text }) => ({ kind, token: new Secret(text) })),
    }),
    ...(half.requestUnderWayAtMs !== undefined && { requestUnderWayAtMs: half.requestUnderWayAtMs }),
    ...(half.notBeforeMs !== undefined && { notBeforeMs: half.notBeforeMs }),
    ...(half.lastFailure !== undefined && { lastFailure: half.lastFailure }),
    ...(endedAtMs !== undefined && { endedAtMs }),
  };
}

/** Whose half this is; `undefined` when it is no half of a grant. */
export function keyOfHalf(plaintext: Buffer): GrantKey | undefined {
  return (parseHalf(plaintext) as { readonly key?: GrantKey }).key;
}
