import { configFolder } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { attempt, type HealthCheck } from '../health/health-check.js';
import { loginChecks } from '../health/login-checks.js';
import { networkChecks } from '../health/network-checks.js';
import { isKeptElsewhere } from '../kept-elsewhere.js';
import { permissionChecks } from '../health/permission-checks.js';
import { settle, versionCheck } from '../health/settings-checks.js';
import { queueChecks, storageChecks } from '../health/storage-checks.js';
import { stateRoot } from '../queue/state-folder.js';
import type { AccountFlags } from '../settings.js';
import { fold } from '../terminal/fold.js';
import { whileSpinning } from '../terminal/spinner.js';
import { styleFor } from '../terminal/style.js';
import { widthOf } from '../terminal/terminal.js';
import { openStorage, type Storage } from '../token-cache.js';

export type DoctorFlags = AccountFlags & { readonly json?: boolean; readonly fix?: boolean };

/** `km doctor`: looks at everything that a token needs, and says what to do about what is wrong. */
export async function runDoctor(flags: DoctorFlags, context: CommandContext): Promise<number> {
  const checks = await whileSpinning('looking', context, (spoken) => lookAtAll(flags, spoken));
  const text =
    flags.json === true ? JSON.stringify({ checks }, undefined, 2) : linesOf(checks, context).join('\n');
  await context.answer(`${text}\n`);
  return checks.some(({ state }) => state === 'failed') ? EXIT.failed : EXIT.done;
}

async function lookAtAll(flags: DoctorFlags, context: CommandContext): Promise<readonly HealthCheck[]> {
  const { storage, checks: opening } = await openOrTell(context);
  // Before anything opens the files: that narrows their modes on the way.
  const permissions = await permissionsNow(flags, context);
  const { checks: settings, configuration, account } = await settle(flags, context, storage?.files);
  const network =
    account === undefined ? [] : await attempt('endpoint', () => networkChecks(account, context));
  const kept = storage === undefined ? [] : await attempt('cache', () => storageChecks(storage, account));
  return [
    versionCheck(context),
    ...settings,
    ...network,
    ...withoutDone(permissions, await permissionsNow({}, context)),
    ...opening,
    ...kept,
    ...(storage === undefined ? [] : await attempt('queue', () => queueChecks(context, storage))),
    ...(storage === undefined || account === undefined
      ? []
      : await attempt('login', () => loginChecks(flags, configuration, storage, context))),
  ];
}

function permissionsNow(
  { fix }: DoctorFlags,
  { environment }: CommandContext,
): Promise<readonly HealthCheck[]> {
  return attempt('permissions', () =>
    permissionChecks(
      { config: configFolder(environment), state: stateRoot(environment) },
      { isFixing: fix === true, isKeptElsewhere: isKeptElsewhere(environment) },
    ),
  );
}

/** What was found `before`; of what is so no more by now, that there is nothing to do. */
function withoutDone(before: readonly HealthCheck[], now: readonly HealthCheck[]): readonly HealthCheck[] {
  const left = new Set(now.map(({ detail }) => detail));
  const remedy = 'nothing: km has narrowed it on the way, as whatever reads it does';
  return before.map((check) =>
    check.state === 'warning' && !left.has(check.detail) ? { ...check, remedy } : check,
  );
}

/** What is looked at further; where the variables of a fleet are wrong there is none, and that is what was found. */
async function openOrTell(context: CommandContext): Promise<{
  readonly storage?: Storage;
  readonly checks: readonly HealthCheck[];
}> {
  const opened: Storage[] = [];
  const checks = await attempt('cache', () => {
    opened.push(openStorage(context));
    return [];
  });
  const [storage] = opened;
  return { ...(storage !== undefined && { storage }), checks };
}

const INDENT = 9;

function linesOf(checks: readonly HealthCheck[], context: CommandContext): readonly string[] {
  const stdout = context.stdout();
  const width = widthOf(stdout);
  const { green, yellow, red } = styleFor(stdout, context.environment);
  const paint = { ok: green, warning: yellow, failed: red };
  const count = (state: HealthCheck['state']): number =>
    checks.filter((check) => check.state === state).length;
  return [
    ...checks.flatMap(({ name, state, detail, remedy }) => {
      const [first = '', ...more] = fold(`${name}: ${detail}`, { width, indent: INDENT });
      const line = paint[state](state) + first.slice(state.length);
      return [
        line,
        ...more,
        ...(remedy === null ? [] : fold(`to fix: ${remedy}`, { width, indent: INDENT })),
      ];
    }),
    '',
    `${count('ok')} ok, ${count('warning')} to look at, ${count('failed')} failed`,
  ];
}
