import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { start, type RunningKm } from './km.js';
import type { Login } from './login.js';

const SERVICE = fileURLToPath(new URL('./serve-login.mjs', import.meta.url));

/** What a program that runs for long answers. */
export type Answer = {
  readonly token?: string;
  readonly status?: number;
  readonly code?: string;
  readonly message?: string;
  /** Of a call: what it waited for by the clock. What a busy machine adds is not in it. */
  readonly waitedMs?: number;
};

/** A program with a login that runs for long. */
export type LoginService = {
  readonly run: RunningKm;
  /** The token that it has by now, or why it has none. */
  readonly token: () => Promise<Answer>;
  /** How a request with its token went. */
  readonly call: () => Promise<Answer>;
};

/** Starts a program that uses this login until the test is over. */
export function startLoginService(
  { env }: Pick<Login, 'env'>,
  variables: Readonly<Record<string, string>> = {},
): LoginService {
  const run = start(process.execPath, [SERVICE], { ...env, ...variables });
  const lines = createInterface({ input: run.child.stdout });
  const ask = async (what: string): Promise<Answer> => {
    const answered = once(lines, 'line') as Promise<[string]>;
    run.child.stdin.write(`${what}\n`);
    const [line] = await answered;
    return JSON.parse(line) as Answer;
  };
  return { run, token: () => ask('token'), call: () => ask('call') };
}
