import { existsSync } from 'node:fs';
import type { CommandContext } from '../command-context.js';
import { proxyAddress, proxyFor } from '../network/proxy-choice.js';
import { serviceUrl, type Account } from '../settings.js';
import { attempt, failed, messageOf, ok, warning, type HealthCheck } from './health-check.js';

/** An API that has not answered by then counts as out of reach, in milliseconds. */
const HEALTH_TIMEOUT_MS = 3_000;
/** Clocks that differ by more than this, in milliseconds, are worth a word. */
const NOTABLE_SKEW_MS = 30_000;

type Looking = Pick<CommandContext, 'fetch' | 'clock' | 'environment'>;

type Asked = Pick<Account, 'endpoint' | 'own' | 'oauth'>;

/** Another issuer, as the profile or its login has it: a login that a fleet shares is in no machine's `config.json`. */
function issuerOf({ own, oauth }: Asked): Readonly<Record<string, unknown>> | undefined {
  return own.provider ?? oauth?.provider;
}

/** What is asked how it is: the API, or what another issuer publishes. */
function placeToAsk(account: Asked): URL {
  const provider = issuerOf(account);
  if (provider === undefined) return new URL(serviceUrl(account.endpoint.value, '/health'));
  return new URL(serviceUrl(String(provider['issuer']), '/.well-known/openid-configuration'));
}

/** Whether the API answers, by which way, whom it proves to be, and what time it has. */
export async function networkChecks(account: Asked, looking: Looking): Promise<readonly HealthCheck[]> {
  if (issuerOf(account)?.['endpoints'] !== undefined)
    return [ok('endpoint', 'the endpoints of the issuer are given by hand, and not asked')];
  const url = placeToAsk(account);
  const proxy = await attempt('proxy', () => [proxyCheck(url, looking.environment)]);
  return [...(await answerChecks(url, looking)), ...proxy];
}

function proxyCheck(url: URL, environment: NodeJS.ProcessEnv): HealthCheck {
  const variable = proxyFor(url, environment);
  if (variable !== undefined) {
    try {
      return ok('proxy', `${proxyAddress(variable).host}, from ${variable.name}`);
    } catch (error) {
      return failed(
        'proxy',
        messageOf(error),
        `correct ${variable.name}, or name ${url.hostname} in NO_PROXY`,
      );
    }
  }
  const named = proxyFor(new URL('https://proxied.invalid'), environment);
  return ok(
    'proxy',
    named === undefined ? 'none' : `none for ${url.hostname}, although ${named.name} is set`,
  );
}

async function answerChecks(url: URL, { fetch: send, clock, environment }: Looking): Promise<HealthCheck[]> {
  const timeout = new AbortController();
  const cancel = clock.schedule(
    () => timeout.abort(new Error(`no answer within ${HEALTH_TIMEOUT_MS} ms`)),
    HEALTH_TIMEOUT_MS,
    true,
  );
  const remedy = 'check the network, and KILOMETERS_API_ENDPOINT or --endpoint';
  try {
    const response = await send(url.href, { signal: timeout.signal, redirect: 'manual' });
    await response.body?.cancel();
    const found = [
      response.status === 200
        ? ok('endpoint', `${url.href} answers`)
        : failed('endpoint', `${url.href} answered ${response.status}`, answerRemedy(response.status)),
    ];
    return [...found, trustCheck(url, environment), clockCheck(response.headers.get('date'), clock.nowMs())];
  } catch (error) {
    const untrusted = certificateFlaw(error, url);
    const found = failed('endpoint', `${url.origin} cannot be reached: ${messageOf(error)}`, remedy);
    return untrusted === undefined ? [found] : [{ ...found, remedy: untrusted.remedy }, untrusted];
  } finally {
    cancel();
  }
}

function answerRemedy(status: number): string {
  if (status >= 500 || status === 429) return 'wait: the API says that it is not well';
  return 'see whether the endpoint is the API, and not a proxy or a portal that wants a login';
}

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What is wrong with how the API proves who it is; `undefined` where it failed for another reason. */
function certificateFlaw(error: unknown, { hostname, protocol }: URL): HealthCheck | undefined {
  if (protocol !== 'https:') return undefined;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (UNTRUSTED.has(code)) {
    const remedy =
      'where a company proxy or a private CA signs it, put its certificate into NODE_EXTRA_CA_CERTS';
    return failed('tls', `nobody that is trusted here signed the certificate (${code})`, remedy);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return failed('tls', `the certificate is not for ${hostname}`, 'correct the endpoint');
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return failed(
      'tls',
      `the certificate's time is not now (${code})`,
      "check this machine's clock; tell the API's owner",
    );
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(code))
    return failed('tls', messageOf(cause), 'see whether https is spoken at this port');
  // What is read before anything is sent.
  const ownFile = /^(SSL_CERT_FILE) /.exec(messageOf(cause))?.[1];
  return ownFile === undefined
    ? undefined
    : failed('tls', messageOf(cause), `correct ${ownFile}, or unset it`);
}

/** By whom a certificate may be signed. */
function trustCheck(url: URL, environment: NodeJS.ProcessEnv): HealthCheck {
  if (url.protocol !== 'https:') return ok('tls', 'none: the API is on this machine');
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    const detail = 'NODE_TLS_REJECT_UNAUTHORIZED=0: anybody can pretend to be the API, and get tokens';
    return warning('tls', detail, 'unset it; NODE_EXTRA_CA_CERTS is for certificates of your own');
  }
  const extra = environment['NODE_EXTRA_CA_CERTS'] ?? '';
  if (extra !== '' && !existsSync(extra))
    return warning('tls', `NODE_EXTRA_CA_CERTS names ${extra}, which is not there`, 'correct or unset it');
  const own = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'].filter((name) => (environment[name] ?? '') !== '');
  const besides = own.length === 0 ? '' : `, and by ${own.join(' and ')}`;
  return ok('tls', `the certificate is trusted, by Node.js's own list${besides}`);
}

function clockCheck(date: string | null, nowMs: number): HealthCheck {
  const skewMs = date === null ? Number.NaN : nowMs - Date.parse(date);
  if (Number.isNaN(skewMs)) return ok('clock', 'the API does not tell the time');
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Math.abs(skewMs) <= NOTABLE_SKEW_MS) return ok('clock', `within ${seconds} s of the API's`);
  const detail = `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the API's; tokens are kept all the same`;
  return warning('clock', detail, 'set the clock, or turn on NTP');
}
