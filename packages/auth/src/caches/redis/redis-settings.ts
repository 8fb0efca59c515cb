import { AuthError, type AuthErrorCode } from '../../auth-error.js';
import { systemClock, type Clock } from '../../clock.js';
import type { GrantRecord } from '../../grant-record.js';
import { Secret } from '../../secret.js';
import { decodeGrant, type GrantHalves } from '../file/grant-codec.js';
import type { EndedLogin, StoredLogin } from '../../stored-login.js';
import { decodeEndedLogin, decodeLogin } from '../file/login-store.js';

/** What {@link createRedisCache} needs. */
export type RedisCacheOptions = {
  /**
   * Where Redis is: `redis://` or, with TLS, `rediss://`, with user, password, port and number of the database where
   * they differ from Redis's own.
   */
  readonly url: string | Secret;
  /** What seals everything before it leaves this process: 32 random bytes in base64, the same for all who share. */
  readonly key: string | Secret;
  /** What every name in Redis begins with. Default `km:`. */
  readonly namePrefix?: string;
  /** How long one question to Redis may take with all its tries, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
  /** Whom TLS trusts, as PEM, or what tells when a connection is made. Default: whom Node trusts. */
  readonly ca?: readonly string[] | (() => Promise<readonly string[] | undefined>) | undefined;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
  /** From 0 up to, not including, 1. */
  readonly random?: () => number;
};

/** Where Redis is, and as whom to talk to it. */
export type RedisAddress = {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string;
  readonly password: Secret | undefined;
  readonly isTls: boolean;
  /** For people: without user and password. */
  readonly label: string;
};

/**
 * What makes things that the rest of a program tells apart by their class. Given, not imported: so a program that is a
 * bundle can keep all of Redis in another one, and still has one class of each.
 */
export type RedisMakers = {
  readonly decodeGrant: (halves: GrantHalves) => GrantRecord | undefined;
  readonly decodeLogin: (plaintext: Buffer) => StoredLogin | undefined;
  readonly decodeEndedLogin: (plaintext: Buffer) => EndedLogin | undefined;
  readonly createError: (code: AuthErrorCode, message: string, cause?: unknown) => AuthError;
};

const MAKERS: RedisMakers = {
  decodeGrant,
  decodeLogin,
  decodeEndedLogin,
  createError: (code, message, cause) => new AuthError(code, message, { cause }),
};

export type RedisSettings = {
  readonly makers: RedisMakers;
  readonly address: RedisAddress;
  readonly key: Buffer;
  readonly namePrefix: string;
  readonly timeoutMs: number;
  readonly ca: RedisCacheOptions['ca'];
  readonly clock: Clock;
  readonly random: () => number;
};

const KEY_BYTES = 32;
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;
const DEFAULT_PORT = 6_379;
const DEFAULT_TIMEOUT_MS = 5_000;

/** How anybody makes a key. */
const MAKE_KEY = 'openssl rand -base64 32';

function textOf(secret: string | Secret): string {
  return Secret.from(secret).reveal().trim();
}

/** The URL is not in the message: it may have a password. */
function wrongUrl(why: string): AuthError {
  return new AuthError(
    'KM_AUTH_INVALID_OPTION',
    `the URL of Redis (KM_CACHE_URL) ${why}: write it as redis://HOST:6379/0, or rediss://USER:PASSWORD@HOST:6380/0 with TLS`,
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrongUrl('has a % in its user or password that encodes nothing (write % itself as %25)');
  }
}

function addressOf(text: string): RedisAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrongUrl('is no URL');
  }
  const { protocol, hostname, port, pathname, username, password, search, hash } = url;
  if (protocol !== 'redis:' && protocol !== 'rediss:') throw wrongUrl('is not of Redis');
  if (hostname === '') throw wrongUrl('names no host');
  if (search !== '' || hash !== '') throw wrongUrl('has something after the database');
  const [, database] = /^\/?(\d{0,5})$/.exec(pathname) ?? [];
  if (database === undefined) throw wrongUrl('names a database that is not a number');
  const shown = port === '' ? DEFAULT_PORT : Number(port);
  return {
    // An IPv6 address stands in brackets in a URL only.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: shown,
    database: Number(database),
    username: decoded(username),
    password: password === '' ? undefined : new Secret(decoded(password)),
    isTls: protocol === 'rediss:',
    label: `${protocol}//${hostname}:${String(shown)}/${String(Number(database))}`,
  };
}

function keyOf(text: string): Buffer {
  const key = BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (key?.length === KEY_BYTES) return key;
  const why = text === '' ? 'is missing' : 'is not 32 bytes in base64';
  throw new AuthError(
    'KM_AUTH_INVALID_OPTION',
    `the key that seals what is kept in Redis (KM_CACHE_KEY) ${why}: make one with \`${MAKE_KEY}\`, ` +
      'and give the same one to everybody who shares the login',
  );
}

/** @throws {AuthError} `KM_AUTH_INVALID_OPTION` where a value is not allowed. */
export function redisSettings(options: RedisCacheOptions): RedisSettings {
  const { namePrefix = 'km:', timeoutMs = DEFAULT_TIMEOUT_MS, ca } = options;
  const { clock = systemClock, random = Math.random } = options;
  const address = addressOf(textOf(options.url));
  return {
    makers: MAKERS,
    address,
    key: keyOf(textOf(options.key)),
    namePrefix,
    timeoutMs,
    ca,
    clock,
    random,
  };
}
