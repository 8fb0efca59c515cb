import type { CommandContext } from '../command-context.js';
import { readConfiguration } from '../config/read-configuration.js';
import { CREDENTIAL_NAMES, type CredentialKind } from '../credential-kind.js';
import { EXIT } from '../exit-code.js';
import { grantOfAccount } from '../grant-of-account.js';
import { profileNames } from '../profiles.js';
import { issuerOf, resolveAccount, settingsFrom, type Account, type SettingSource } from '../settings.js';
import { styleFor } from '../terminal/style.js';
import { widthOf } from '../terminal/terminal.js';
import { openStorage, tellNotices, type SharedCache } from '../token-cache.js';

export type AuthProfilesFlags = { readonly json?: boolean };

/** One profile in `km auth profiles --json`. Members may be added; those here stay. */
export type ProfileRow = {
  readonly name: string;
  readonly isActive: boolean;
  readonly endpoint: string;
  readonly endpointFrom: SettingSource;
  /** How it is logged in; `null` when it is not. */
  readonly credential: CredentialKind | null;
  readonly credentialFrom: SettingSource | null;
  /** Who issues its tokens; `null` where that is the Kilometers API. */
  readonly issuer: string | null;
};

/** `km auth profiles`: all profiles, and which one is active. Asks no server. */
export async function runAuthProfiles(flags: AuthProfilesFlags, context: CommandContext): Promise<number> {
  const { environment } = context;
  const { files } = openStorage(context);
  tellNotices(files, context);
  const configuration = readConfiguration(environment);
  const { profile: active } = settingsFrom({}, environment, configuration);
  const ofNewerKm = new Set<string>();
  const profiles = await Promise.all(
    (await profileNames(configuration, environment, files?.logins)).map(async (name): Promise<ProfileRow> => {
      const account = await resolveAccount({ profile: name }, environment, files?.logins, configuration);
      if (account.isOfNewerKm) ofNewerKm.add(name);
      const issuer = issuerOf(account);
      const credential = (await isOver(account, files)) ? undefined : account.credential;
      return {
        name,
        isActive: name === active.value,
        endpoint: account.endpoint.value,
        endpointFrom: account.endpoint.source,
        credential: credential?.value ?? null,
        credentialFrom: credential?.source ?? null,
        issuer: issuer === undefined ? null : String(issuer['issuer']),
      };
    }),
  );
  const text =
    flags.json === true
      ? JSON.stringify({ active: active.value, activeFrom: active.source, profiles }, undefined, 2)
      : profileLines(profiles, ofNewerKm, context).join('\n');
  await context.answer(`${text}\n`);
  return EXIT.done;
}

/** Whether the refresh token is gone that a person's login is. What cannot be read may be there. */
async function isOver(account: Account, files: SharedCache | undefined): Promise<boolean> {
  const { credential } = account;
  if (credential?.source !== 'login' || credential.value !== 'refresh_token') return false;
  try {
    return (await files?.getGrant(grantOfAccount(account).key))?.refreshToken === undefined;
  } catch {
    return false;
  }
}

function profileLines(
  profiles: readonly ProfileRow[],
  ofNewerKm: ReadonlySet<string>,
  context: CommandContext,
): readonly string[] {
  const screen = context.screen();
  const { bold } = styleFor(screen, context.environment);
  const nameWidth = Math.max(...profiles.map(({ name }) => name.length));
  const endpointWidth = Math.max(...profiles.map(({ endpoint }) => endpoint.length));
  const loginOf = ({ name, credential, credentialFrom }: ProfileRow): string =>
    credential === null
      ? ofNewerKm.has(name)
        ? 'logged in by a newer km: upgrade this one'
        : 'nobody is logged in'
      : `${CREDENTIAL_NAMES[credential]}${credentialFrom === 'environment' ? ', from the environment' : ''}`;
  const isWide = profiles.every(
    (row) => 6 + nameWidth + endpointWidth + loginOf(row).length <= widthOf(screen),
  );
  return profiles.flatMap((row) => {
    const mark = row.isActive ? '*' : ' ';
    const name = (text: string): string => (row.isActive ? bold(text) : text);
    return isWide
      ? [
          `${mark} ${name(row.name.padEnd(nameWidth))}  ${row.endpoint.padEnd(endpointWidth)}  ${loginOf(row)}`,
        ]
      : [`${mark} ${name(row.name)}`, `    ${row.endpoint}`, `    ${loginOf(row)}`];
  });
}
