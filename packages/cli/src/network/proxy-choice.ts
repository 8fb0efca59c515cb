import { BlockList, isIP, isIPv4 } from 'node:net';
import { isLoopback } from '@kilometers/auth';
import { isSet } from '../is-set.js';

/** What the environment says of proxies, as most programs read it: lower case before upper case. */
export type ProxyVariables = {
  readonly name: string;
  readonly value: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

function firstSet(environment: Environment, names: readonly string[]): ProxyVariables | undefined {
  for (const name of names) {
    const value = environment[name]?.trim() ?? '';
    if (value !== '') return { name, value };
  }
  return undefined;
}

/** The variable that names the proxy for `protocol`. */
function proxyVariable(protocol: string, environment: Environment): ProxyVariables | undefined {
  // CGI sets HTTP_PROXY from a header of whoever asks: there, only the lower case counts.
  const isCgi = isSet(environment, 'REQUEST_METHOD');
  const own =
    protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', ...(isCgi ? [] : ['HTTP_PROXY'])];
  return firstSet(environment, [...own, 'all_proxy', 'ALL_PROXY']);
}

/** The variable that says what is reached without a proxy. */
function exceptionsVariable(environment: Environment): ProxyVariables | undefined {
  return firstSet(environment, ['no_proxy', 'NO_PROXY']);
}

/**
 * The proxy through which `url` is reached, as the environment writes it; `undefined` where it is reached directly. This
 * machine always is.
 */
export function proxyFor(url: URL, environment: Environment): ProxyVariables | undefined {
  // Whatever a name under it leads to from here, for the proxy it would be the proxy.
  if (isLoopback(url.hostname) || url.hostname.endsWith('.localhost')) return undefined;
  const variable = proxyVariable(url.protocol, environment);
  if (variable === undefined) return undefined;
  const exceptions = exceptionsVariable(environment)?.value.split(/[\s,]+/) ?? [];
  return exceptions.some((exception) => isExcepted(url, exception)) ? undefined : variable;
}

function isExcepted(url: URL, exception: string): boolean {
  if (exception === '') return false;
  if (exception === '*') return true;
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const [range, bits] = exception.split('/');
  if (bits !== undefined) return isInRange(host, range ?? '', bits);
  const [, named = '', port] =
    /^(.*?)(?::(\d+))?$/.exec(isIP(exception) === 6 ? `[${exception}]` : exception) ?? [];
  const ownPort = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  if (port !== undefined && port !== ownPort) return false;
  const name = named
    .replace(/^\[|\]$/g, '')
    .replace(/^\*?\./, '')
    .toLowerCase();
  if (name === '') return false;
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

function isInRange(host: string, range: string, bits: string): boolean {
  if (isIP(host) === 0 || isIP(range) !== isIP(host) || !/^\d{1,3}$/.test(bits)) return false;
  const family = isIPv4(host) ? 'ipv4' : 'ipv6';
  if (Number(bits) > (family === 'ipv4' ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(range, Number(bits), family);
  return list.check(host, family);
}

/**
 * The address of a proxy. Without a scheme it is an http one, as everywhere.
 *
 * @throws {Error} where it is none that can be spoken to; its message never has the password.
 */
export function proxyAddress({ name, value }: ProxyVariables): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '')
    throw new Error(`${name} is no address of a proxy, such as http://proxy.example:8080`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error(
      `${name} names a proxy that speaks ${url.protocol.slice(0, -1)}; km speaks to http and https proxies`,
    );
  return url;
}

/** What shows a proxy the user and the password in its address (RFC 7617); `undefined` where it has neither. */
export function proxyAuthorization({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const pair = Buffer.concat([decoded(username), Buffer.from(':'), decoded(password)]);
  return `Basic ${pair.toString('base64')}`;
}

/** A `%` that begins no escape is one, as with curl: people write passwords as they are. */
function decoded(text: string): Buffer {
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}
