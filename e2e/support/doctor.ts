import { expect } from 'vitest';
import { runKm } from './km.js';
import { flawsBySchema } from './schema.js';

export type Check = {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
  readonly remedy: string | null;
};

/** What `km doctor` finds. */
export async function checksOf(env: Record<string, string>, ...flags: readonly string[]) {
  const { code, stdout } = await runKm(['doctor', '--json', ...flags], { env });
  expect(flawsBySchema('doctor', stdout)).toEqual([]);
  const { checks } = JSON.parse(stdout) as { readonly checks: readonly Check[] };
  for (const { state, remedy } of checks) expect(remedy === null).toBe(state === 'ok');
  const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]));
  const find = (name: string): Check | undefined => checks.find((check) => check.name === name);
  return { code, states, checks, find };
}
