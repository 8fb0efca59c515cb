import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import {
  endpointChecks,
  loginCheck,
  settingsCheck,
  storageChecks,
  type HealthCheck,
} from '../health-checks.js';
import { resolveAccount, type AccountFlags } from '../settings.js';
import { openStorage } from '../token-cache.js';

export type DoctorFlags = AccountFlags & { readonly json?: boolean };

/** `km doctor`: looks at everything that a token needs, and says what to do about what is wrong. */
export async function runDoctor(flags: DoctorFlags, context: CommandContext): Promise<number> {
  const storage = openStorage(context);
  const account = await resolveAccount(flags, context.environment, storage.files?.logins);
  const checks = [
    settingsCheck(account),
    ...(await endpointChecks(account, context.fetch, context.clock)),
    ...(await storageChecks(storage)),
    loginCheck(account),
  ];
  const text = flags.json === true ? JSON.stringify({ checks }, undefined, 2) : checks.map(lineOf).join('\n');
  await context.answer(`${text}\n`);
  return checks.some(({ state }) => state === 'failed') ? EXIT.failed : EXIT.done;
}

function lineOf({ name, state, detail, remedy }: HealthCheck): string {
  const line = `${state.padEnd(8)} ${name}: ${detail}`;
  return remedy === null ? line : `${line}\n         ${remedy}`;
}
