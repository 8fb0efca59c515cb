import { scopeKey, scopeTokens, type Scope } from './scope.js';

/** Where a token may be used, where that has to be asked for. */
export type TokenTarget = {
  /** URIs of APIs (RFC 8707 §2). */
  readonly resources?: readonly string[];
  /** What some issuers have instead of resources. */
  readonly audience?: string;
};

/** Around what is no scope in a key: no scope token may have one (RFC 6749 §3.3), and no encoded value has. */
const QUOTE = '"';

function quoted(name: string, value: string): string {
  return ` ${QUOTE}${name}=${encodeURIComponent(value)}${QUOTE}`;
}

/** What a token's key has after its scopes: nothing where there is no target. */
export function targetSuffix({ resources = [], audience }: TokenTarget): string {
  const ofResources = [...new Set(resources)].sort().map((resource) => quoted('resource', resource));
  return ofResources.join('') + (audience === undefined ? '' : quoted('audience', audience));
}

/**
 * The one spelling under which a token is kept: its scope set, and what it is for.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when `scope` is none.
 */
export function tokenKey(scope: Scope, suffix: string): string {
  return scopeKey(scope) + suffix;
}

/** The scopes of a token's key. */
export function scopesOfKey(key: string): readonly string[] {
  const end = key.indexOf(QUOTE);
  return scopeTokens(end === -1 ? key : key.slice(0, end));
}

/** A token's key for people, as in `read for https://api.example`. */
export function describeKey(key: string): string {
  const { resources = [], audience } = targetOfKey(key);
  const targets = audience === undefined ? resources : [...resources, audience];
  const scopes = scopesOfKey(key).join(' ');
  return targets.length === 0 ? scopes : `${scopes} for ${targets.join(', ')}`;
}

/** What a token's key says of where its token may be used. */
export function targetOfKey(key: string): TokenTarget {
  const values = (name: string): string[] =>
    [...key.matchAll(new RegExp(`${QUOTE}${name}=([^${QUOTE}]*)${QUOTE}`, 'g'))].map(([, value = '']) =>
      decodeURIComponent(value),
    );
  const resources = values('resource');
  const [audience] = values('audience');
  return { ...(resources.length > 0 && { resources }), ...(audience !== undefined && { audience }) };
}
