import { parseEndpoint } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { changeConfiguration, profileIn, withProfile } from '../config/change-configuration.js';
import type { ConfigurationJson, ProviderSettings } from '../config/configuration.js';
import { isSameProvider } from '../same-provider.js';

/** What `config.json` is to say of the profile of a login. */
export type ProfileNote = {
  readonly login: { readonly profile: string; readonly apiEndpoint: string };
  /** Who issues the tokens, where it is not the Kilometers API. */
  readonly provider?: ProviderSettings;
};

/** Throws where a login may not have its profile in what `config.json` says now. */
export type ProfileGuard = (json: ConfigurationJson) => void;

/** `json` with the profile in it, so that it is this endpoint that the next command talks to. */
export function withNote(json: ConfigurationJson, { login, provider }: ProfileNote): ConfigurationJson {
  return withProfile(json, login.profile, (settings) => {
    // Where the tokens of another issuer go is told by its own address, unless another one was given.
    const { apiEndpoint, ...issuers } = settings;
    const wanted = login.apiEndpoint === provider?.issuer ? undefined : login.apiEndpoint;
    const hrefOf = (url: string | undefined): string | undefined =>
      url === undefined ? undefined : parseEndpoint(url).href;
    const isSame = hrefOf(apiEndpoint) === hrefOf(wanted) && isSameProvider(settings.provider, provider);
    if (isSame) return settings;
    const { provider: _before, ...others } = issuers;
    return {
      ...others,
      ...(wanted !== undefined && { apiEndpoint: wanted }),
      ...(provider !== undefined && { provider }),
    };
  });
}

/**
 * Puts the profile of a login in `config.json`. Resolves with what takes that back, unless somebody has changed the profile
 * since.
 *
 * @throws {CliError} or {AuthError} `KM_AUTH_CACHE` where it cannot be; what `guard` throws. Then the file is as it was.
 */
export async function noteProfile(
  note: ProfileNote,
  context: CommandContext,
  guard: ProfileGuard,
): Promise<() => Promise<void>> {
  const { profile } = note.login;
  let before: ConfigurationJson = {};
  let wasThere = true;
  let after: ConfigurationJson = {};
  await changeConfiguration(context, (json, isThere) => {
    guard(json);
    before = json;
    wasThere = isThere;
    after = withNote(json, note);
    return after;
  });
  if (after === before) return () => Promise.resolve();
  const textIn = (json: ConfigurationJson): string | undefined => JSON.stringify(profileIn(json, profile));
  return () =>
    changeConfiguration(context, (json) => {
      if (textIn(json) !== textIn(after)) return json;
      const settings = profileIn(before, profile);
      const { [profile]: _noted, ...others } = json.profiles ?? {};
      const profiles = settings === undefined ? others : { ...json.profiles, [profile]: settings };
      return wasThere || saysMore(json, others) ? { ...json, profiles } : undefined;
    });
}

/** Whether `json` says anything but that there are the profiles of a login that failed; `others` are the others. */
function saysMore(
  { version: _version, profiles: _profiles, ...rest }: ConfigurationJson,
  others: object,
): boolean {
  return Object.keys({ ...rest, ...others }).length > 0;
}
