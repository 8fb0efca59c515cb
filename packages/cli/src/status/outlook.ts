import { formatDuration, type GrantFailure, type RefreshToken } from '@kilometers/auth';
import type { Hindrance } from '../hindrance.js';
import { commandFor, type Account } from '../settings.js';
import { dateTime } from '../terminal/date-time.js';

/** Whether an account will go on by itself. */
export type Outlook = {
  /** `yes` for the next 24 hours at least; `unsure` where that takes something that nobody here can promise. */
  readonly answer: 'yes' | 'no' | 'unsure';
  readonly reason: string;
  /** What a human can do about it. */
  readonly remedy: string | null;
};

/** What an outlook is made from. */
export type OutlookInput = {
  readonly account: Pick<Account, 'profile' | 'endpoint' | 'credential' | 'loginCommand' | 'note'>;
  /** The refresh token that is stored, and the last failure. */
  readonly refreshToken: RefreshToken | undefined;
  readonly failure: GrantFailure | undefined;
  /** What keeps a login that is stored from being used. */
  readonly hindrance?: Hindrance | undefined;
  /** Some token can still be sent. */
  readonly hasUsableToken: boolean;
  readonly nowMs: number;
};

const DAY_MS = 86_400_000;

/** Failures that the next try does not mend. */
const FINAL: ReadonlySet<string> = new Set([
  'KM_AUTH_LOGIN_REQUIRED',
  'KM_AUTH_GRANT_REJECTED',
  'KM_AUTH_CONFIGURATION',
  'KM_AUTH_INSECURE_ENDPOINT',
]);

/** Whether a failure needs a human. */
function isFinal({ code }: { readonly code: string }): boolean {
  return FINAL.has(code);
}

/** Whether the refresh token that is stored, if any, is good yet by the clock of this machine. */
function isAlive(token: RefreshToken | undefined, nowMs: number): boolean {
  return token !== undefined && (token.expiresAtMs ?? Number.POSITIVE_INFINITY) > nowMs;
}

/** What wins new tokens by itself, in words; `undefined` where that takes a login by a person. */
export function mintOf({ credential }: Pick<Account, 'credential'>): string | undefined {
  switch (credential?.value) {
    case 'api_key':
      return 'the API key';
    case 'client_credentials':
      return 'the client secret';
    default:
      return undefined;
  }
}

/** Whether the account gets its next token without a human, as far as is known here. */
export function refreshesWithoutHuman({ account, refreshToken, failure, nowMs }: OutlookInput): boolean {
  if (failure !== undefined && isFinal(failure)) return false;
  return mintOf(account) !== undefined || isAlive(refreshToken, nowMs);
}

/** The answer to "will this work tomorrow without me?". */
export function outlookOf(input: OutlookInput): Outlook {
  const { account, refreshToken, failure, hasUsableToken, nowMs } = input;
  const logIn = `run ${account.loginCommand}`;
  if (!refreshesWithoutHuman(input)) return notByItself(input, logIn);
  if (failure !== undefined) {
    const ago = formatDuration(Math.max(0, nowMs - failure.atMs));
    const meanwhile = hasUsableToken ? '; a token is still good' : '';
    const reason = `the last refresh failed ${ago} ago, and is tried again${meanwhile}`;
    return { answer: 'unsure', reason, remedy: 'km doctor says what is in the way' };
  }
  const mint = mintOf(account);
  if (mint !== undefined) return { answer: 'yes', reason: `${mint} wins new tokens`, remedy: null };
  const endsAtMs = refreshToken?.expiresAtMs;
  if (endsAtMs === undefined)
    return { answer: 'yes', reason: 'the login renews itself; its end is not known', remedy: null };
  const end = dateTime(endsAtMs, nowMs);
  const isSoon = endsAtMs - nowMs < DAY_MS;
  if (refreshToken?.isEndFixed === true) {
    const reason = `the login ends ${end}`;
    return { answer: isSoon ? 'no' : 'yes', reason, remedy: `${logIn} before` };
  }
  const reason = `the login ends ${end} if no km renews it before`;
  const remedy = isSoon ? `run ${commandFor('km auth refresh', account)}` : null;
  return { answer: isSoon ? 'unsure' : 'yes', reason, remedy };
}

/** What stands in the way where nothing is sure to win the next token. */
function notByItself(
  { account, refreshToken, failure, hindrance, nowMs }: OutlookInput,
  logIn: string,
): Outlook {
  if (hindrance !== undefined) return { answer: 'no', reason: hindrance.reason, remedy: hindrance.remedy };
  const { credential, note } = account;
  if (failure !== undefined && isFinal(failure)) {
    const ago = formatDuration(Math.max(0, nowMs - failure.atMs));
    const reason = `the last refresh failed ${ago} ago, for good`;
    return { answer: 'no', reason, remedy: remedyAfter(failure, account) };
  }
  if (refreshToken !== undefined) {
    // A clock of this machine ends no login: the next refresh asks who issued it.
    const ago = formatDuration(nowMs - (refreshToken.expiresAtMs ?? nowMs));
    const reason = `the login should have ended ${ago} ago; the next refresh tries it and finds out`;
    return { answer: 'unsure', reason, remedy: `run ${commandFor('km auth refresh', account)}` };
  }
  if (credential !== undefined)
    return { answer: 'no', reason: 'the login has no refresh token any more', remedy: logIn };
  return { answer: 'no', reason: note ?? 'nobody is logged in', remedy: logIn };
}

/** What helps after a failure that no other try mends. */
function remedyAfter({ code }: GrantFailure, account: OutlookInput['account']): string {
  const another = anotherCredential(account);
  if (code !== 'KM_AUTH_CONFIGURATION') return another ?? `run ${account.loginCommand}`;
  const said = 'do what the last failure says';
  return another === undefined ? said : `${said}, or ${another}`;
}

/** What replaces a credential that was logged in with; `undefined` where it came from elsewhere, or a person logged in. */
function anotherCredential(account: OutlookInput['account']): string | undefined {
  if (account.credential?.source !== 'login') return undefined;
  switch (account.credential.value) {
    case 'api_key':
      return `log in with another key: ${commandFor('km auth login --api-key-stdin', account)}`;
    case 'client_credentials':
      return `log in with another secret: ${account.loginCommand}`;
    case 'refresh_token':
      return undefined;
  }
}
