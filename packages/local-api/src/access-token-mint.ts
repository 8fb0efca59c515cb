import { generateKeyPairSync } from 'node:crypto';
import { importJWK, SignJWT, type JWK } from 'jose';
import { newId, newSecret, type RandomBytes } from './secrets.js';
import type { Store } from './store/store.js';

/** How access tokens look: signed JWTs, or random text that only this API understands. */
export type TokenFormat = 'jwt' | 'opaque';

export const TOKEN_FORMATS: readonly TokenFormat[] = ['jwt', 'opaque'];

/** What an access token says. */
export type AccessTokenClaims = {
  readonly subject: string;
  readonly tier: string;
  /** Space-separated. */
  readonly scope: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
};

const ALGORITHM = 'ES256';

/** Makes access tokens, with a key that is kept in the store. */
export class AccessTokenMint {
  readonly #format: TokenFormat;
  readonly #random: RandomBytes;
  readonly #issuer: () => string;
  readonly #kid: string;
  readonly #privateJwk: JWK;
  #key: ReturnType<typeof importJWK> | undefined;

  constructor(options: {
    readonly store: Store;
    readonly format: TokenFormat;
    readonly random: RandomBytes;
    readonly issuer: () => string;
    readonly now: () => number;
  }) {
    this.#format = options.format;
    this.#random = options.random;
    this.#issuer = options.issuer;
    const stored = options.store.transaction(() => {
      const newest = options.store.signingKeys.newest();
      if (newest !== undefined) return newest;
      const created = { kid: newId('', options.random), privateJwk: newPrivateJwk() };
      options.store.signingKeys.add(created, options.now());
      return created;
    });
    this.#kid = stored.kid;
    this.#privateJwk = JSON.parse(stored.privateJwk) as JWK;
  }

  /** A new access token, in the format chosen. */
  async mint(claims: AccessTokenClaims): Promise<string> {
    if (this.#format === 'opaque') return newSecret('kmat_', this.#random);
    this.#key ??= importJWK(this.#privateJwk, ALGORITHM);
    return new SignJWT({ tier: claims.tier, scope: claims.scope })
      .setProtectedHeader({ alg: ALGORITHM, kid: this.#kid, typ: 'JWT' })
      .setIssuer(this.#issuer())
      .setSubject(claims.subject)
      .setIssuedAt(Math.floor(claims.issuedAtMs / 1_000))
      .setExpirationTime(claims.expiresAtMs / 1_000)
      .setJti(newId('', this.#random))
      .sign(await this.#key);
  }

  /**
   * The public half of the key, for whoever verifies tokens.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc7517#section-5 | RFC 7517 §5}
   */
  jwks(): { readonly keys: readonly JWK[] } {
    const { kty, crv, x, y } = this.#privateJwk;
    const shape = { kty, crv, x, y } as JWK;
    return { keys: [{ ...shape, kid: this.#kid, alg: ALGORITHM, use: 'sig' }] };
  }
}

/** Has Node write a key as it makes it: Node 20 may wait for ever where a key is exported by itself. */
const AS_JWK = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } };

function newPrivateJwk(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', ...AS_JWK });
  return JSON.stringify(privateKey);
}
