import type { IssuerSettings } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';

/** How a profile logs in at its issuer. */
export type LoginWay = IssuerSettings['login'];
const LOGIN_WAYS: readonly LoginWay[] = ['browser', 'device', 'client'];

/** How a client shows who it is, as far as that is no secret. */
export type AuthenticationMethod = NonNullable<IssuerSettings['clientAuthentication']>['method'];
const AUTHENTICATION_METHODS: readonly AuthenticationMethod[] = [
  'none',
  'client_secret',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
];

function wrong(member: string, must: string): CliError {
  return new CliError(`provider.${member} in config.json ${must}`, { exitCode: EXIT.failed });
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const SHAPES: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  ['scopes', isTexts, 'must be a list of texts'],
  ['resources', isTexts, 'must be a list of texts'],
  ['audience', isText, 'must be a text'],
  ['redirectUri', isText, 'must be a URL in quotes'],
  ['prompt', isText, 'must be a text'],
  [
    'dpop',
    (value) => typeof value === 'boolean' || value === 'if-offered',
    'must be true, false or "if-offered"',
  ],
  [
    'endpoints',
    (value) => isObject(value) && Object.values(value).every(isText),
    'must be an object of URLs in quotes',
  ],
  [
    'clientAuthentication',
    (value) => isObject(value) && AUTHENTICATION_METHODS.some((method) => method === value['method']),
    `must be an object whose method is one of ${AUTHENTICATION_METHODS.join(', ')}`,
  ],
  ['login', (value) => LOGIN_WAYS.some((way) => way === value), `must be one of ${LOGIN_WAYS.join(', ')}`],
];

/**
 * What a profile's `provider` says, checked. What `replaced` names is said anew: it is left out where it is wrong.
 *
 * @throws {CliError} where another member is none that may be there.
 */
export function checkedIssuer(
  provider: Readonly<Record<string, unknown>>,
  replaced: ReadonlySet<string> = new Set(),
): Partial<IssuerSettings> {
  const checked = { ...provider };
  for (const [member, is, must] of SHAPES) {
    const value = provider[member];
    if (value === undefined || is(value)) continue;
    if (!replaced.has(member)) throw wrong(member, must);
    checked[member] = undefined;
  }
  return checked;
}
