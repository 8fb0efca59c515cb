import type { AuthorizationServer } from 'oauth4webapi';
import { AuthError } from '../../auth-error.js';
import { jsonObject } from '../../json-object.js';
import type { StoredDocument } from '../../ports.js';
import { TokenRequestError } from '../../token-request-error.js';
import { isTryLaterStatus } from '../../try-later-status.js';
import { printable } from '../token-refusal.js';
import { membersOf } from './issuer-endpoints.js';
import type { IssuerWire, WireAnswer } from './issuer-wire.js';
import { undiscovered } from './undiscovered.js';

/** How long a document counts as current where it does not say, at least, and at most, in milliseconds. */
const DEFAULT_LIFETIME_MS = 3_600_000;
const SHORTEST_LIFETIME_MS = 60_000;
const LONGEST_LIFETIME_MS = 86_400_000;
/** One that is older is not used any more, even where no newer one can be had: 30 days, in milliseconds. */
const LONGEST_USE_MS = 2_592_000_000;

/** @see {@link https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2 | RFC 9111 §5.2.2} */
export function lifetimeMs(cacheControl: string | null): number {
  if (/\bno-(?:cache|store)\b/i.test(cacheControl ?? '')) return SHORTEST_LIFETIME_MS;
  const [, seconds] = /\bmax-age\s*=\s*"?(\d+)/i.exec(cacheControl ?? '') ?? [];
  const askedMs = seconds === undefined ? DEFAULT_LIFETIME_MS : Number(seconds) * 1_000;
  return Math.min(LONGEST_LIFETIME_MS, Math.max(SHORTEST_LIFETIME_MS, askedMs));
}

/** What a document is if it is one: the issuer it says it is of. */
function declaredIssuer(text: string): string | undefined {
  const issuer = jsonObject(text)?.['issuer'];
  return typeof issuer === 'string' ? issuer : undefined;
}

/** Whether two names are of one issuer: a slash at the end, too many or missing, makes no other. */
export function isSameIssuer(one: string, other: string): boolean {
  const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
  return withoutSlash(one) === withoutSlash(other);
}

/** What an issuer was found to publish. */
export type IssuerDiscovery = {
  /** Where its document is. */
  readonly documentUrl: string;
  /** Local clock minus the issuer's, in milliseconds; where its answer had a date. */
  readonly clockSkewMs?: number;
};

/** A document that was found just now. */
type Found = IssuerDiscovery & { readonly document: StoredDocument; readonly server: AuthorizationServer };

type Known = Pick<StoredDocument, 'fetchedAtMs' | 'freshUntilMs'> & { readonly server: AuthorizationServer };

/** What is known of an issuer's endpoints and abilities, and for how long. */
export class IssuerMetadata {
  readonly #wire: IssuerWire;
  #known: Known | undefined;
  #underway: Promise<AuthorizationServer> | undefined;

  constructor(wire: IssuerWire) {
    this.#wire = wire;
  }

  /**
   * What the issuer offers, asked for once however many ask: as it was kept, while that is current; else as it is published.
   *
   * @throws {AuthError} `KM_AUTH_UNREACHABLE` when nothing is known and the issuer does not answer;
   *   `KM_AUTH_CONFIGURATION` when nothing is known and it publishes nothing, or when it publishes the document of another.
   */
  get(): Promise<AuthorizationServer> {
    const { endpoints, issuer, clock } = this.#wire.settings;
    const published = this.#published;
    if (published === undefined)
      return Promise.resolve(
        this.#withEndpoints({ issuer: (issuer ?? new URL(endpoints.token ?? '')).href }),
      );
    const nowMs = clock.nowMs();
    if (this.#known !== undefined && nowMs < this.#known.freshUntilMs)
      return Promise.resolve(this.#known.server);
    this.#underway ??= this.#find(published, nowMs).finally(() => {
      this.#underway = undefined;
    });
    return this.#underway;
  }

  /**
   * As `OAuthProvider.discover`.
   *
   * @throws {AuthError} as `get`, where the issuer does not answer now.
   */
  async discover(): Promise<IssuerDiscovery | undefined> {
    const published = this.#published;
    if (published === undefined) return undefined;
    const { documentUrl, clockSkewMs } = await this.#discover(published);
    return { documentUrl, ...(clockSkewMs !== undefined && { clockSkewMs }) };
  }

  /** Whose document there is to find; with a token endpoint given by hand, none is looked for. */
  get #published(): URL | undefined {
    const { endpoints, issuer } = this.#wire.settings;
    return endpoints.token === undefined ? issuer : undefined;
  }

  /**
   * From the documents that are kept, or from the issuer; an old one where it brings none. A proxy or a captive portal that
   * refuses in its place says nothing of the issuer: a refusal counts where nothing is known. The document of another
   * issuer counts always.
   */
  async #find(issuer: URL, nowMs: number): Promise<AuthorizationServer> {
    const { documents } = this.#wire.settings;
    const kept = await this.#kept(issuer, nowMs);
    if (kept !== undefined && nowMs < kept.freshUntilMs) return this.#know(kept);
    try {
      const { document, server } = await this.#discover(issuer);
      await documents?.set(issuer.href, document).catch(() => undefined);
      return this.#know({ ...document, server });
    } catch (error) {
      const known = kept ?? this.#known;
      const isKnown = known !== undefined && nowMs - known.fetchedAtMs < LONGEST_USE_MS;
      if (!isKnown || !(error instanceof TokenRequestError)) throw error;
      return this.#know({ ...known, freshUntilMs: nowMs + SHORTEST_LIFETIME_MS });
    }
  }

  /** What is kept, if it can be used. */
  async #kept(issuer: URL, nowMs: number): Promise<Known | undefined> {
    const kept = await this.#wire.settings.documents?.get(issuer.href).catch(() => undefined);
    // One from the future was kept by a clock that was wrong, then or now.
    if (kept === undefined || kept.fetchedAtMs > nowMs || nowMs - kept.fetchedAtMs >= LONGEST_USE_MS)
      return undefined;
    const server = await this.#parse(issuer, kept.text).catch(() => undefined);
    return server && { ...kept, server };
  }

  #know({ server, fetchedAtMs, freshUntilMs }: Known): AuthorizationServer {
    this.#known = { server, fetchedAtMs, freshUntilMs };
    return server;
  }

  /** OpenID's document first, which most have; then that of RFC 8414. */
  async #discover(issuer: URL): Promise<Found> {
    let answer: WireAnswer | undefined;
    for (const algorithm of ['oidc', 'oauth2'] as const) {
      let documentUrl = issuer.href;
      answer = await this.#ask(issuer, algorithm, (asked) => (documentUrl = asked));
      if (isTryLaterStatus(answer.status)) break;
      if (answer.status !== 200 || declaredIssuer(answer.text) === undefined) continue;
      const { text, receivedAtMs: fetchedAtMs, skewMs } = answer;
      const freshUntilMs = fetchedAtMs + lifetimeMs(answer.headers.get('cache-control'));
      const server = await this.#parse(issuer, text);
      const document = { text, fetchedAtMs, freshUntilMs };
      return { document, server, documentUrl, ...(skewMs !== undefined && { clockSkewMs: skewMs }) };
    }
    throw undiscovered(issuer, answer);
  }

  /** @param onAsk is told where the document is looked for. */
  #ask(issuer: URL, algorithm: 'oidc' | 'oauth2', onAsk: (url: string) => void): Promise<WireAnswer> {
    const { library } = this.#wire;
    const sending = this.#wire.sending();
    const send = sending[library.customFetch];
    return this.#wire
      .read(
        issuer.origin,
        library.discoveryRequest(issuer, {
          algorithm,
          ...sending,
          [library.customFetch]: (url, init) => {
            onAsk(url);
            return send(url, init);
          },
        }),
      )
      .catch((error: unknown) => {
        // A lost answer to a question that changes nothing is no lost answer.
        if (!(error instanceof TokenRequestError)) throw error;
        throw new TokenRequestError(error.code, error.message, { isAnswerLost: false }, { cause: error });
      });
  }

  /** @see {@link https://www.rfc-editor.org/rfc/rfc8414#section-3.3 | RFC 8414 §3.3} */
  async #parse(issuer: URL, text: string): Promise<AuthorizationServer> {
    const { library } = this.#wire;
    const declared = declaredIssuer(text) ?? '';
    if (!URL.canParse(declared) || !isSameIssuer(new URL(declared).href, issuer.href)) {
      const shown = printable(declared, []) ?? '';
      throw new AuthError(
        'KM_AUTH_CONFIGURATION',
        `${issuer.href} publishes the discovery document of another issuer, ${JSON.stringify(shown)}: give that one as the issuer if it is the one that you mean${shown.includes('{') ? ', with your own tenant in place of what is in braces' : ''}`,
      );
    }
    const response = new Response(text, { headers: { 'content-type': 'application/json' } });
    return this.#withEndpoints(await library.processDiscoveryResponse(new URL(declared), response));
  }

  /** Endpoints given by hand go before those that were discovered, and of these the ones that are for such a client. */
  #withEndpoints(server: AuthorizationServer): AuthorizationServer {
    const { endpoints, clientAuthentication } = this.#wire.settings;
    const showsCertificate = clientAuthentication.method === 'tls_client_auth';
    return { ...server, ...(showsCertificate && aliasesOf(server)), ...membersOf(endpoints) };
  }
}

/**
 * The endpoints for clients that show a certificate, in the place of the usual ones: whatever names an endpoint, a proof of
 * a key too, then names the one that is asked.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc8705#section-5 | RFC 8705 §5}
 */
function aliasesOf({
  mtls_endpoint_aliases: aliases = {},
}: AuthorizationServer): Partial<AuthorizationServer> {
  const { token_endpoint, device_authorization_endpoint, revocation_endpoint, introspection_endpoint } =
    aliases;
  return {
    ...(token_endpoint !== undefined && { token_endpoint }),
    ...(device_authorization_endpoint !== undefined && { device_authorization_endpoint }),
    ...(revocation_endpoint !== undefined && { revocation_endpoint }),
    ...(introspection_endpoint !== undefined && { introspection_endpoint }),
  };
}
