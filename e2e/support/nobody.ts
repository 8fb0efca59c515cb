import { KM, start, type RunningKm } from './km.js';
import { can } from './login-system.js';

/** A user that is in no database. */
const AS_NOBODY = ['--reuid', '54321', '--regid', '54321', '--clear-groups', process.execPath, KM];

export const CAN_BE_NOBODY = can('a user without a home', 'setpriv', ...AS_NOBODY, '--version');

/** Starts `km` for a user who owns nothing, with whatever home `env` gives. */
export function startAsOther(args: readonly string[], env: Record<string, string>): RunningKm {
  return start('setpriv', [...AS_NOBODY, ...args], env);
}

/** Starts `km` for a user without a home. */
export function startAsNobody(args: readonly string[], env: Record<string, string>): RunningKm {
  const { HOME: _home, ...homeless } = env;
  return startAsOther(args, homeless);
}
