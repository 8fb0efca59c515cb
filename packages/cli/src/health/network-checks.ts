import { isAuthError, isPortalPage, type HttpAnswer } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { isExplained } from '../exit-code.js';
import { proxyAddress, proxyFor } from '../network/proxy-choice.js';
import { transportOf } from '../network/transport.js';
import { issuerOf, serviceUrl, type Account } from '../settings.js';
import { printable } from '../terminal/printable.js';
import { messageOf } from '../message-of.js';
import { attempt, failed, ok, warning, type HealthCheck } from './health-check.js';
import { rememberedClock } from './remembered-clock.js';
import { certificateFlaw, trustCheck } from './trust-checks.js';

/** An API that has not answered by then counts as out of reach, in milliseconds. */
const HEALTH_TIMEOUT_MS = 3_000;
/** Clocks that differ by more than this, in milliseconds, are worth a word. */
const NOTABLE_SKEW_MS = 30_000;

const CHECK_ISSUER = 'check the network, and the issuer that the profile logs in at';

type Asked = Pick<Account, 'profile' | 'endpoint' | 'own' | 'oauth'>;

/** What an answer says of who gave it, and of the clock. */
type Answered = { readonly endpoint: HealthCheck; readonly clock?: HealthCheck };

/** A question that is under way, and what helps where no answer comes. */
type Asking = { readonly answer: Promise<Answered | undefined>; readonly remedy: string };

/** Whether the API answers, or another issuer, by which way, whom it proves to be, and what time it has. */
export async function networkChecks(
  account: Asked,
  context: CommandContext,
): Promise<readonly HealthCheck[]> {
  const issuer = issuerOf(account);
  const url = new URL(
    issuer === undefined ? serviceUrl(account.endpoint.value, '/health') : String(issuer['issuer']),
  );
  const asking: Asking =
    issuer === undefined
      ? { answer: askApi(url, context), remedy: checkApi(account) }
      : { answer: askIssuer(issuer, context), remedy: CHECK_ISSUER };
  const found = await answerChecks(url, asking, account, context);
  if (found === undefined)
    return [ok('endpoint', 'the endpoints of the issuer are given by hand, and not asked')];
  return [...found, ...(await attempt('proxy', () => [proxyCheck(url, context.environment)]))];
}

/** What helps where the API cannot be reached: its address may be wrong where that came from. */
function checkApi({ profile, endpoint }: Asked): string {
  const names = {
    flag: '--endpoint',
    environment: 'KILOMETERS_API_ENDPOINT',
    config: `the apiEndpoint of profile ${profile.value} in config.json`,
    login: `the endpoint that profile ${profile.value} logged in to`,
    default: 'whether the API has an address of its own: KILOMETERS_API_ENDPOINT or --endpoint',
  };
  return `check the network, and ${names[endpoint.source]}`;
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

/** What was found by asking at `url`; `undefined` where nobody was asked. */
async function answerChecks(
  url: URL,
  asking: Asking,
  { profile }: Asked,
  context: CommandContext,
): Promise<readonly HealthCheck[] | undefined> {
  try {
    const answered = await asking.answer;
    if (answered === undefined) return undefined;
    const { endpoint, clock } = answered;
    return [endpoint, trustCheck(url, context.environment), ...(clock === undefined ? [] : [clock])];
  } catch (error) {
    // What is wrong before anybody is asked says itself what to do.
    if (isExplained(error) && !isAuthError(error, 'KM_AUTH_UNREACHABLE')) throw error;
    const why = beneath(error);
    const untrusted = certificateFlaw(why, url);
    const remedy = untrusted?.remedy ?? asking.remedy;
    const found = failed('endpoint', `${url.origin} cannot be reached: ${messageOf(why)}`, remedy);
    return [found, untrusted, rememberedClock(profile.value, context)].filter((check) => check !== undefined);
  }
}

/** What happened, without what the library says of it. */
function beneath(error: unknown): unknown {
  return isAuthError(error) && error.cause !== undefined ? beneath(error.cause) : error;
}

async function askApi(url: URL, context: CommandContext): Promise<Answered> {
  const answer = await transportOf(context)({
    url,
    method: 'GET',
    headers: { accept: 'application/json' },
    body: '',
    timeoutMs: HEALTH_TIMEOUT_MS,
    answerTimeoutMs: HEALTH_TIMEOUT_MS,
  });
  const endpoint = healthCheck(url, answer);
  const { text, headers } = answer;
  // The time of a portal is not that of the API.
  if (isPortalPage(text, headers['content-type'])) return { endpoint };
  const date = Date.parse(headers.date ?? '');
  return { endpoint, clock: clockCheck(Number.isNaN(date) ? undefined : context.clock.nowMs() - date) };
}

function healthCheck({ href }: URL, { status, text }: HttpAnswer): HealthCheck {
  if (status !== 200) return failed('endpoint', `${href} answered ${status}`, answerRemedy(status));
  const said = healthIn(text);
  if (said === undefined)
    return failed('endpoint', `${href} answered with something that is not the API's`, answerRemedy(status));
  if (said !== 'healthy') return failed('endpoint', `${href} says that it is ${said}`, UNWELL);
  return ok('endpoint', `${href} answers`);
}

/** How the API says it is; `undefined` where that is no answer of it. */
function healthIn(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && 'status' in body ? printable(body.status) : undefined;
  } catch {
    return undefined;
  }
}

const UNWELL = 'wait: the API says that it is not well';

function answerRemedy(status: number): string {
  if (status >= 500 || status === 429) return UNWELL;
  return 'see whether the endpoint is the API, and not a proxy or a portal that wants a login';
}

/** Asks as a login does; `undefined` where that asks nobody. */
async function askIssuer(
  issuer: Readonly<Record<string, unknown>>,
  context: CommandContext,
): Promise<Answered | undefined> {
  const { discoverIssuer } = await import('../oauth/open-provider.js');
  try {
    const found = await discoverIssuer(issuer, context, HEALTH_TIMEOUT_MS);
    if (found === undefined) return undefined;
    const { documentUrl, clockSkewMs } = found;
    return { endpoint: ok('endpoint', `${documentUrl} answers`), clock: clockCheck(clockSkewMs) };
  } catch (error) {
    // What has a cause got no answer.
    if (!isAuthError(error) || error.cause !== undefined) throw error;
    return { endpoint: failed('endpoint', error.message, CHECK_ISSUER) };
  }
}

function clockCheck(skewMs: number | undefined): HealthCheck {
  if (skewMs === undefined) return ok('clock', 'the API does not tell the time');
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Math.abs(skewMs) <= NOTABLE_SKEW_MS) return ok('clock', `within ${seconds} s of the API's`);
  const detail = `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the API's; tokens are kept all the same`;
  return warning('clock', detail, 'set the clock, or turn on NTP');
}
