import colours from 'yoctocolors';
import type { LiveView } from './live-view.js';

/** What the demo counted, from independent places. */
export type Counts = {
  /** JSON-RPC messages that the client sent and received. */
  readonly messages: number;
  /** Events that the API has stored. */
  readonly storedEvents: number;
  readonly failedCalls: number;
  readonly refreshes: number;
  /** Requests that failed for authentication, as the API counted them. */
  readonly refusals: number;
};

/** What is wrong: empty when the promise was kept. */
export function brokenPromises(counts: Counts): readonly string[] {
  const broken: string[] = [];
  if (counts.messages === 0) broken.push('no message went through');
  if (counts.failedCalls > 0) broken.push(`calls of the client failed: ${counts.failedCalls}`);
  if (counts.storedEvents !== counts.messages) {
    broken.push(`the client saw ${counts.messages} messages, and the API has ${counts.storedEvents} events`);
  }
  if (counts.refreshes === 0) broken.push('no token was refreshed');
  if (counts.refusals > 0) broken.push(`requests failed for authentication: ${counts.refusals}`);
  return broken;
}

export function showSummary(view: LiveView, counts: Counts): void {
  const rows: readonly (readonly [string, number])[] = [
    ['MCP messages through km', counts.messages],
    ['events stored by the API', counts.storedEvents],
    ['token refreshes', counts.refreshes],
    ['requests that failed for authentication', counts.refusals],
  ];
  view.line();
  for (const [name, count] of rows) view.line(`  ${name.padEnd(42)}${String(count).padStart(6)}`);
  view.line();
  const broken = brokenPromises(counts);
  if (broken.length === 0) view.line('The promise was kept: no message lost, no login lost.', colours.green);
  for (const what of broken) view.line(`The promise was broken: ${what}.`, colours.red);
}
