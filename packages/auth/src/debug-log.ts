import type { AuthEvent, AuthEventListener } from './auth-event.js';
import { formatDuration } from './duration.js';
import { describeKey } from './token-key.js';

function lifeLeft(event: { readonly atMs: number; readonly expiresAtMs: number }): string {
  return `expires in ${formatDuration(event.expiresAtMs - event.atMs)}`;
}

function endOf(event: { readonly atMs: number; readonly expiresAtMs: number }): string {
  const endedAgoMs = event.atMs - event.expiresAtMs;
  return endedAgoMs < 0 ? 'which is near its end' : `which ended ${formatDuration(endedAgoMs)} ago`;
}

/** One line that says what happened and why. */
export function describeEvent(event: AuthEvent): string {
  const scope = 'scope' in event ? describeKey(event.scope) : '';
  switch (event.type) {
    case 'token.adopted':
      return `${scope}: found token ${event.token} in the cache, ${lifeLeft(event)}`;
    case 'token.issued':
      return `${scope}: obtained token ${event.token} by ${event.grantType}, ${lifeLeft(event)}`;
    case 'token.refreshed':
      return `${scope}: token ${event.replaced ?? '(none)'} replaced by ${event.token} by ${event.grantType}, ${lifeLeft(event)}`;
    case 'token.due':
      return `${scope}: token ${event.token} is due, good for ${formatDuration(event.remainingMs)} more; refreshing behind`;
    case 'token.extended':
      return `${scope}: no newer token can be had now: token ${event.token}, ${endOf(event)}, is used`;
    case 'token.revoked':
      return `${scope}: token ${event.token} was revoked`;
    case 'refresh.started':
      return `${scope}: asking for a token by ${event.grantType}${event.attempt > 1 ? `, attempt ${String(event.attempt)}` : ''}`;
    case 'refresh.retried':
      return `${scope}: attempt ${String(event.attempt)} after ${formatDuration(event.delayMs)} because ${event.reason}`;
    case 'refresh.failed':
      return `${scope}: no token (${event.code}): ${event.message}`;
    case 'refresh.answer-lost':
      return `the answer to refresh token ${event.refreshToken}, sent at ${new Date(event.sentAtMs).toISOString()}, was lost; trying it again at once`;
    case 'grant.fallback':
      return `${scope}: falling back from ${event.from} to ${event.to} because ${event.reason}`;
    case 'grant.cleared':
      return `refresh token ${event.refreshToken} removed: ${event.reason}`;
    case 'grant.expiring':
      return `the login ends in ${formatDuration(event.remainingMs)}, whatever is refreshed until then: log in again before`;
    case 'token.scopes-differ':
      return `${scope}: token ${event.token} is for "${event.granted}"${event.missing === '' ? '' : `, not for "${event.missing}"`}`;
    case 'security.event':
      return `security event (${event.reason}): ${event.message}`;
    case 'cache.repaired':
      return event.message;
    case 'cache.corrupt':
      return `the token cache could not be opened: ${event.message}`;
    case 'cache.failed':
      return `the token cache cannot be ${event.operation === 'read' ? 'read' : 'written'}, tokens stay in memory: ${event.message}`;
    case 'cache.recovered':
      return 'what could not be stored is stored now';
    case 'offline.entered':
      return `offline: ${event.reason}`;
    case 'offline.left':
      return 'online again';
    case 'clock.jumped':
      return `the clock jumped ${event.byMs > 0 ? 'forward' : 'back'} by ${formatDuration(Math.abs(event.byMs))}`;
    case 'clock.skewed':
      return `this machine's clock is ${formatDuration(Math.abs(event.skewMs))} ${event.skewMs > 0 ? 'ahead of' : 'behind'} the API's; lifetimes are counted from receipt`;
    case 'storm.braked':
      return `storm brake: ${String(event.requests)} token requests within ${formatDuration(event.withinMs)}`;
  }
}

/** A listener that explains every decision, one line each; what `KM_DEBUG=true` shows. Never a secret. */
export function createDebugLog(write: (line: string) => void): AuthEventListener {
  return (event) => {
    write(`km auth [${event.profile}] ${describeEvent(event)}`);
  };
}
