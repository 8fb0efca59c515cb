import type { AuthError } from '../../auth-error.js';
import type { RedisAddress, RedisSettings } from './redis-settings.js';

/** What a connection is said to have done that answered before, and does no longer. */
export const WENT_SILENT = 'Connection went silent';

/** Redis cannot serve at this moment: another connection, or the next moment, may do. */
const PASSING =
  /\b(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|UNBLOCKED|BUSY)\b|Connection (?:is closed|went silent)|Socket closed|EAI_AGAIN|ECONN|EPIPE|socket disconnected/;

/** What to do, by what was said. Of a script older servers put the code further back in what they say. */
const ANSWERS: readonly (readonly [RegExp, string])[] = [
  [
    /\bREADONLY\b/,
    'it is a replica, and takes no writes: let KM_CACHE_URL name the primary, or what follows a failover',
  ],
  [
    /\b(NOAUTH|WRONGPASS|invalid password|AUTH)\b/,
    'it refused the login: check user and password in KM_CACHE_URL',
  ],
  [
    /\bNOPERM\b/,
    'its user may not do that: allow SELECT, GET, SET, DEL, PEXPIRE, PERSIST, the commands of hashes and sets, and EVAL on km:*',
  ],
  [/\bOOM\b/, 'its memory is full: raise its maxmemory'],
  [/\b(MISCONF|NOREPLICAS)\b/, 'it takes no writes at the moment: see its log'],
  [/\b(LOADING|MASTERDOWN|BUSY)\b/, 'it is not ready yet: try again'],
  [
    /\b(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)\b/,
    'it is a Redis Cluster, which is not supported: use a single primary, or a proxy before the cluster',
  ],
  [/\bWRONGTYPE\b/, 'something else is kept under the names of the cache: use another database of it'],
  [
    /Protocol error|RESP type/,
    'what answers is not Redis: check host and port, and whether it must be rediss://',
  ],
  [/DB index is out of range/, 'it has no database of that number: check the end of KM_CACHE_URL'],
  [
    /certificate|self.signed|SSL routines|wrong version number|EPROTO|ERR_TLS/i,
    'no secure connection comes about: check the certificate (NODE_EXTRA_CA_CERTS), or whether it must be redis://',
  ],
  [/ENOTFOUND|EAI_AGAIN/, 'its name is not known: check the host in KM_CACHE_URL'],
];

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** Whether it was said already, in our own words. */
export function isExplained(error: unknown): error is AuthError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('KM_');
}

/** Whether Redis knows who asked, and does not let that user ask this. */
export function isNotAllowed(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && /\bNOPERM\b/.test(error.cause.message);
}

/** Whether the same question may be answered by another connection. */
export function isPassing(error: unknown): boolean {
  return PASSING.test(messageOf(error));
}

/** Servers quote the beginning of a command that they do not know. */
const QUOTED = /, with args beginning with:[^]*/;

/**
 * What may be told of `error`, which is all but what was asked: ioredis adds the command to it, and that may be AUTH with
 * the password.
 */
function tellable(error: unknown, password: RedisAddress['password']): Error {
  const said = messageOf(error).replace(QUOTED, '');
  const told = new Error(password === undefined ? said : said.replaceAll(password.reveal(), '[redacted]'));
  if (!(error instanceof Error)) return told;
  Object.defineProperty(told, 'name', { value: error.name });
  return 'code' in error ? Object.assign(told, { code: error.code }) : told;
}

/** Redis did not do what it was asked: why, and what to do. */
export function redisError(
  { address, makers }: Pick<RedisSettings, 'address' | 'makers'>,
  error: unknown,
): AuthError {
  const cause = tellable(error, address.password);
  const said = messageOf(error);
  const known = ANSWERS.find(([form]) => form.test(said))?.[1];
  // A server that speaks TLS only says nothing to who does not: it hangs up.
  const orTls = !address.isTls && /ECONNRESET|closed/.test(said) ? ', and whether it must be rediss://' : '';
  const why = known ?? `${cause.message}: check that it runs and can be reached from here${orTls}`;
  const message = `the cache in Redis at ${address.label} cannot be used: ${why}`;
  return makers.createError('KM_AUTH_CACHE', message, cause);
}
