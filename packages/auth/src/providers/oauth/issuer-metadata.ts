import type { AuthorizationServer } from 'oauth4webapi';
import { parseEndpoint } from '../../api-origin.js';
import { AuthError } from '../../auth-error.js';
import type { StoredDocument } from '../../ports.js';
import { TokenRequestError } from '../../token-request-error.js';
import { isTryLaterStatus } from '../../try-later-status.js';
import { printable } from '../token-refusal.js';
import type { IssuerWire, WireAnswer } from './issuer-wire.js';
import type { OAuthEndpoints } from './oauth-options.js';

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
  try {
    const { issuer } = JSON.parse(text) as { readonly issuer?: unknown };
    return typeof issuer === 'string' ? issuer : undefined;
  } catch {
    return undefined;
  }
}

/** Whether two names are of one issuer: a slash at the end, too many or missing, makes no other. */
export function isSameIssuer(one: string, other: string): boolean {
  const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
  return withoutSlash(one) === withoutSlash(other);
}

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
    if (endpoints.token !== undefined || issuer === undefined)
      return Promise.resolve(
        this.#withEndpoints({ issuer: (issuer ?? new URL(endpoints.token ?? '')).href }),
      );
    const nowMs = clock.nowMs();
    if (this.#known !== undefined && nowMs < this.#known.freshUntilMs)
      return Promise.resolve(this.#known.server);
    this.#underway ??= this.#find(issuer, nowMs).finally(() => {
      this.#underway = undefined;
    });
    return this.#underway;
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
  async #discover(
    issuer: URL,
  ): Promise<{ readonly document: StoredDocument; readonly server: AuthorizationServer }> {
    let answer: WireAnswer | undefined;
    for (const algorithm of ['oidc', 'oauth2'] as const) {
      answer = await this.#ask(issuer, algorithm);
      if (isTryLaterStatus(answer.status)) break;
      if (answer.status !== 200 || declaredIssuer(answer.text) === undefined) continue;
      const { text, receivedAtMs: fetchedAtMs } = answer;
      const freshUntilMs = fetchedAtMs + lifetimeMs(answer.headers.get('cache-control'));
      return { document: { text, fetchedAtMs, freshUntilMs }, server: await this.#parse(issuer, text) };
    }
    throw this.#undiscovered(issuer, answer);
  }

  #ask(issuer: URL, algorithm: 'oidc' | 'oauth2'): Promise<WireAnswer> {
    const { library } = this.#wire;
    return this.#wire
      .read(
        issuer.origin,
        library.discoveryRequest(issuer, {
          algorithm,
          ...this.#wire.sending(),
        }),
      )
      .catch((error: unknown) => {
        // A lost answer to a question that changes nothing is no lost answer.
        if (!(error instanceof TokenRequestError)) throw error;
        throw new TokenRequestError(error.code, error.message, { isAnswerLost: false }, { cause: error });
      });
  }

  /** Nothing that is good once was sent: what comes of it is known. */
  #undiscovered(issuer: URL, answer: WireAnswer | undefined): TokenRequestError {
    const { status = 0, retryAfterMs: rest } = answer ?? {};
    const failure = { status, isAnswerLost: false, ...(rest !== undefined && { retryAfterMs: rest }) };
    return isTryLaterStatus(status) || status === 200
      ? new TokenRequestError(
          'KM_AUTH_UNREACHABLE',
          `${issuer.href} does not tell its endpoints now (status ${String(status)}): try again later`,
          failure,
        )
      : new TokenRequestError(
          'KM_AUTH_CONFIGURATION',
          `${issuer.href} publishes no discovery document (status ${String(status)}): check the issuer, or give its endpoints by hand`,
          failure,
        );
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

/** @see {@link https://www.rfc-editor.org/rfc/rfc8414#section-2 | RFC 8414 §2} */
function membersOf(endpoints: OAuthEndpoints): Partial<AuthorizationServer> {
  const { token, authorization, deviceAuthorization, revocation, introspection } = endpoints;
  return {
    ...(token !== undefined && { token_endpoint: token }),
    ...(authorization !== undefined && { authorization_endpoint: authorization }),
    ...(deviceAuthorization !== undefined && { device_authorization_endpoint: deviceAuthorization }),
    ...(revocation !== undefined && { revocation_endpoint: revocation }),
    ...(introspection !== undefined && { introspection_endpoint: introspection }),
  };
}

/** The endpoints of a server to which secrets go. */
export type SecretEndpoint =
  | 'token_endpoint'
  | 'authorization_endpoint'
  | 'device_authorization_endpoint'
  | 'revocation_endpoint'
  | 'introspection_endpoint';

/**
 * An endpoint that a server has, or `undefined`.
 *
 * @throws {AuthError} `KM_AUTH_INSECURE_ENDPOINT` or `KM_AUTH_INVALID_OPTION` when it may not be used.
 */
export function endpointOf(server: AuthorizationServer, name: SecretEndpoint): URL | undefined {
  const endpoint = server[name];
  return endpoint === undefined ? undefined : parseEndpoint(endpoint);
}
