import { webcrypto } from 'node:crypto';
import type { AuthorizationServer, DPoPHandle } from 'oauth4webapi';
import { AuthError } from '../../auth-error.js';
import { Secret } from '../../secret.js';
import type { IssuerWire } from './issuer-wire.js';

const ALGORITHM = 'ES256';
const PARAMETERS = { name: 'ECDSA', namedCurve: 'P-256' };

/** The keys to which tokens are bound, and the nonces that the issuer told for each. */
export class DpopKeys {
  readonly #wire: IssuerWire;
  readonly #handles = new Map<string, DPoPHandle>();

  constructor(wire: IssuerWire) {
    this.#wire = wire;
  }

  /**
   * The key to bind a token to: the one given, or a new one where tokens of this server are to be bound.
   *
   * @throws {AuthError} `KM_AUTH_CONFIGURATION` when they must be and cannot.
   * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-5.1 | RFC 9449 §5.1}
   */
  async keyFor(server: AuthorizationServer, given: Secret | undefined): Promise<Secret | undefined> {
    if (given !== undefined) return given;
    const { dpop } = this.#wire.settings;
    const offered = server.dpop_signing_alg_values_supported;
    if (dpop === false || (dpop === 'if-offered' && offered?.includes(ALGORITHM) !== true)) return undefined;
    if (offered !== undefined && !offered.includes(ALGORITHM)) {
      throw new AuthError(
        'KM_AUTH_CONFIGURATION',
        `${server.issuer} takes no proofs signed with ${ALGORITHM}: do not ask for dpop here`,
      );
    }
    const { privateKey } = await this.#wire.library.generateKeyPair(ALGORITHM, { extractable: true });
    return new Secret(JSON.stringify(await webcrypto.subtle.exportKey('jwk', privateKey)));
  }

  /** What makes proofs with a key, and remembers the nonces. */
  async handleOf(proofKey: Secret): Promise<DPoPHandle> {
    const known = this.#handles.get(proofKey.fingerprint);
    if (known !== undefined) return known;
    const jwk = JSON.parse(proofKey.reveal()) as webcrypto.JsonWebKey;
    const { kty, crv, x, y } = jwk as Readonly<Record<string, string>>;
    const publicJwk = { kty: kty ?? '', crv: crv ?? '', x: x ?? '', y: y ?? '' };
    const { library } = this.#wire;
    const handle = library.DPoP(
      { [library.clockSkew]: 0 },
      {
        privateKey: await webcrypto.subtle.importKey('jwk', jwk, PARAMETERS, false, ['sign']),
        publicKey: await webcrypto.subtle.importKey('jwk', publicJwk, PARAMETERS, true, ['verify']),
      },
      {
        [library.modifyAssertion]: (_header, payload) => {
          payload['iat'] = Math.floor(this.#wire.issuerNowMs() / 1_000);
        },
      },
    );
    this.#handles.set(proofKey.fingerprint, handle);
    return handle;
  }
}
