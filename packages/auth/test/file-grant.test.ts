import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AuthToken, Secret, type GrantKey, type GrantRecord } from '../src/index.js';
import {
  decodeGrant,
  decodeTokens,
  encodeGrant,
  grantId,
  keyOfHalf,
} from '../src/caches/file/grant-codec.js';

const KEY: GrantKey = { apiOrigin: 'https://api.example', profile: 'work', credential: 'key:1' };

const aText = fc.string({ minLength: 1, maxLength: 8 });
const aMoment = fc.nat();
const aSecret = aText.map((text) => new Secret(text));
const someScopes = fc.array(aText, { maxLength: 3 });

const aToken = fc
  .record(
    {
      value: aText,
      type: aText,
      scopes: someScopes,
      issuedAtMs: aMoment,
      expiresAtMs: aMoment,
      proofKey: aSecret,
    },
    { requiredKeys: ['value', 'type', 'scopes', 'issuedAtMs', 'expiresAtMs'] },
  )
  .map((fields) => new AuthToken(fields));

const aRefreshToken = fc.record(
  {
    secret: aSecret,
    issuedAtMs: aMoment,
    scopes: someScopes,
    expiresAtMs: aMoment,
    isEndFixed: fc.boolean(),
  },
  { requiredKeys: ['secret', 'issuedAtMs'] },
);

const aRecord: fc.Arbitrary<GrantRecord> = fc.record(
  {
    tokens: fc.array(fc.tuple(aText, aToken), { maxLength: 3 }).map((entries) => new Map(entries)),
    unexplainedRequestsAtMs: fc.array(aMoment, { maxLength: 3 }),
    refreshToken: aRefreshToken,
    sentRefresh: fc.record({ fingerprint: aText, atMs: aMoment }),
    proofKey: aSecret,
    requestUnderWayAtMs: aMoment,
    notBeforeMs: aMoment,
    lastFailure: fc.record({ code: aText, message: aText, atMs: aMoment }),
    endedAtMs: aMoment,
    leftOver: fc.array(
      fc.record({ kind: fc.constantFrom('refresh_token', 'access_token'), token: aSecret }),
      { minLength: 1, maxLength: 3 },
    ),
  },
  { requiredKeys: ['tokens', 'unexplainedRequestsAtMs'] },
);

/** All of a record, its secrets in the clear, so that two can be compared. */
function opened(value: unknown): unknown {
  if (value instanceof Secret) return { secret: value.reveal() };
  if (value instanceof AuthToken) return { value: value.reveal(), ...openedMembers(value) };
  if (value instanceof Map) return openedMembers(Object.fromEntries(value) as object);
  if (Array.isArray(value)) return value.map(opened);
  return typeof value === 'object' && value !== null ? openedMembers(value) : value;
}

function openedMembers(value: object): object {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, opened(member)]));
}

const MINTS = ['refreshToken', 'sentRefresh', 'proofKey', 'leftOver'] as const;

test('a grant comes out of its two halves as it went in', () => {
  fc.assert(
    fc.property(aRecord, (record) => {
      expect(opened(decodeGrant(encodeGrant(KEY, record)))).toEqual(opened(record));
    }),
  );
});

test('what can mint tokens, and that it was ended, is whole without the other half, and the tokens without it', () => {
  fc.assert(
    fc.property(aRecord, (record) => {
      const { login, tokens } = encodeGrant(KEY, record);
      const minting = Object.fromEntries(
        Object.entries(record).filter(([name]) => [...MINTS, 'endedAtMs'].includes(name as never)),
      );
      const rest = Object.fromEntries(
        Object.entries(record).filter(([name]) => !MINTS.includes(name as never)),
      );
      if (login !== undefined)
        expect(opened(decodeGrant({ login, tokens: undefined }))).toEqual(
          opened({ tokens: new Map(), unexplainedRequestsAtMs: [], ...minting }),
        );
      expect(opened(decodeGrant({ login: undefined, tokens }))).toEqual(opened(rest));
      expect(opened(decodeTokens(tokens))).toEqual(opened(record.tokens));
    }),
  );
});

test('a half that nothing is in is not written', () => {
  const record: GrantRecord = { tokens: new Map(), unexplainedRequestsAtMs: [] };
  expect(encodeGrant(KEY, record).login).toBeUndefined();
  for (const minting of [
    { endedAtMs: 1 },
    { refreshToken: { secret: new Secret('r'), issuedAtMs: 1 } },
    { sentRefresh: { fingerprint: 'f', atMs: 1 } },
    { proofKey: new Secret('p') },
    { leftOver: [{ kind: 'refresh_token' as const, token: new Secret('l') }] },
  ])
    expect(encodeGrant(KEY, { ...record, ...minting }).login).toBeDefined();
  expect(decodeGrant({ login: undefined, tokens: undefined })).toBeUndefined();
  expect(decodeTokens(undefined).size).toBe(0);
});

test('no token is in the half that mints, and nothing that mints in the other', () => {
  const { login, tokens } = encodeGrant(KEY, {
    tokens: new Map([
      ['a', new AuthToken({ value: 'the-token', scopes: ['a'], issuedAtMs: 1, expiresAtMs: 2 })],
    ]),
    unexplainedRequestsAtMs: [],
    refreshToken: { secret: new Secret('the-refresh-token'), issuedAtMs: 1 },
    proofKey: new Secret('the-proof-key'),
  });
  expect(login?.toString()).not.toContain('the-token');
  expect(tokens?.toString()).not.toMatch(/the-refresh-token|the-proof-key/);
});

test('a half says whose it is; one of something else says nothing', () => {
  const { login, tokens } = encodeGrant(KEY, {
    tokens: new Map(),
    unexplainedRequestsAtMs: [],
    proofKey: new Secret('p'),
  });
  expect([keyOfHalf(login!), keyOfHalf(tokens!)]).toEqual([KEY, KEY]);
  expect(keyOfHalf(Buffer.from('{"login":{}}'))).toBeUndefined();
});

test('two grants that differ in any part of their key are kept apart', () => {
  const others = [
    { ...KEY, apiOrigin: 'https://other.example' },
    { ...KEY, profile: 'home' },
    { ...KEY, credential: 'key:2' },
    { apiOrigin: `${KEY.apiOrigin}\nwork`, profile: KEY.credential, credential: '' },
  ];
  const ids = [KEY, ...others].map((key) => grantId(key).toString('hex'));
  expect(new Set(ids).size).toBe(ids.length);
});
