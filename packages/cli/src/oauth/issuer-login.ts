import {
  createAuthManager,
  createMemoryCache,
  DEFAULT_SCOPE,
  type Secret,
  storeLogin,
  targetSuffix,
  type AuthToken,
  type IssuerSettings,
  type Login,
  type OAuthLogin,
  type OAuthProvider,
} from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import type { ProviderSettings } from '../config/configuration.js';
import { askSecret } from '../login/ask-secret.js';
import { tellDeviceCode } from '../login/device-code.js';
import { giveBackGrant } from '../login/give-back.js';
import type { LoginKind, LoginRequest } from '../login/login-kind.js';
import type { ProfileNote } from '../login/note-profile.js';
import { openBrowser } from '../login/open-browser.js';
import { grantsIn, unproved } from '../login/proof.js';
import { sharesGrantWithStored } from '../login/shared-grant.js';
import { waitForPerson, type PersonsLogin } from '../login/wait-for-person.js';
import { wrongUsage } from '../login/wrong-usage.js';
import { tellEvents } from '../open-auth-manager.js';
import { styleFor } from '../terminal/style.js';
import { isInteractive } from '../terminal/terminal.js';
import { whileSpinning } from '../terminal/spinner.js';
import { openStorage } from '../token-cache.js';
import { isIssuerOf, planLogin } from './login-plan.js';
import { openProvider } from './open-provider.js';

export { tellIssuerLogin } from './tell-login.js';

/** At any OAuth 2.0 or OpenID issuer: with a browser, with a code, or as a client. */
export const issuerLogin: Pick<LoginKind, 'win'> = {
  async win(request) {
    const { context, settings, profile } = request;
    const { config } = settings;
    const { login: noted, provider: plan } = issuerNote(request);
    const clientSecret = await secretFor(plan, request);
    // Nothing is kept before the login is: one that is given up leaves nothing behind.
    const { requestTimeoutMs } = config;
    const provider = openProvider(plan, clientSecret, context, { requestTimeoutMs });
    try {
      const cache = createMemoryCache({ clock: context.clock });
      const byPerson = plan.login === 'client' ? undefined : await winByPerson(plan, provider, request);
      const token =
        byPerson === undefined
          ? await mint(provider, cache, request)
          : (await storeLogin(byPerson, { provider, cache, profile }), byPerson.grant.token);
      const grants = await grantsIn(cache);
      const [grant] = grants;
      if (grant === undefined) throw new Error('nothing was won');
      const login: OAuthLogin = {
        kind: 'oauth',
        provider: plan,
        ...(clientSecret !== undefined && { clientSecret }),
        grant: grant.key,
        keySuffix: targetSuffix(provider.issuer.target),
        ...(byPerson !== undefined && {
          loginId: byPerson.id,
          askedScopes: byPerson.askedScopes,
          grantedScopes: token.scopes,
        }),
      };
      return {
        login: { ...noted, atMs: context.clock.nowMs(), ...login },
        token,
        grants,
        provider: plan,
      };
    } catch (error) {
      throw unproved(error);
    }
  },
};

/**
 * What `config.json` is to say once the login is won: known before anybody is asked.
 *
 * @throws {CliError} where flags and settings do not fit together, or something is missing.
 */
export function issuerNote(request: LoginRequest): ProfileNote & { readonly provider: IssuerSettings } {
  const { flags, context, settings, profile } = request;
  const plan = planLogin(flags, settings.own.provider, isInteractive(context));
  return { login: { profile, apiEndpoint: apiEndpointFor(plan, request) }, provider: plan };
}

/** Where the tokens go: nowhere but to the issuer, unless it is said. */
function apiEndpointFor({ issuer }: IssuerSettings, { flags, settings }: LoginRequest): string {
  const { apiEndpoint, provider } = settings.own;
  return flags.endpoint ?? (isIssuerOf(issuer, provider) ? apiEndpoint : undefined) ?? issuer;
}

/** The client's secret, where it has one: from the input, or from the login before. */
async function secretFor(
  { clientAuthentication, issuer, clientId }: IssuerSettings,
  { flags, context, profile }: LoginRequest,
): Promise<Secret | undefined> {
  if (clientAuthentication?.method.startsWith('client_secret') !== true) return undefined;
  if (flags.clientSecretStdin !== true) {
    const before = await openStorage(context)
      .files?.logins.get(profile)
      .catch(() => undefined);
    const known = before?.kind === 'oauth' ? before : undefined;
    const provider = known?.provider as ProviderSettings | undefined;
    const isSame = isIssuerOf(issuer, provider) && provider.clientId === clientId;
    if (isSame && known?.clientSecret !== undefined) return known.clientSecret;
    if (!isInteractive(context))
      throw wrongUsage(`client ${clientId} has a secret: give it with --client-secret-stdin`);
  }
  return askSecret('client secret', context);
}

/** Proves a client by a token. */
async function mint(
  provider: OAuthProvider,
  cache: ReturnType<typeof createMemoryCache>,
  { context, settings, profile }: LoginRequest,
): Promise<AuthToken> {
  const { clock, random } = context;
  return whileSpinning('getting a token', context, async (spoken) => {
    const manager = createAuthManager({
      ...settings.own.refresh,
      provider,
      profile,
      cache,
      clock,
      random,
    });
    tellEvents(manager, spoken);
    try {
      return await manager.getValidToken(DEFAULT_SCOPE);
    } finally {
      await manager.stop();
    }
  });
}

async function winByPerson(
  { login: way, scopes, redirectUri, prompt }: IssuerSettings,
  provider: OAuthProvider,
  { context, onWon }: LoginRequest,
): Promise<Login> {
  const giveBack = async (won: Login): Promise<void> => {
    const { files } = openStorage(context);
    if (await sharesGrantWithStored(provider.issuer.identity, files?.logins)) return;
    await giveBackGrant(won.grant, (token) => provider.revoke(token));
  };
  const started = await whileSpinning('asking the issuer', context, async () =>
    way === 'device'
      ? { device: await provider.startDeviceLogin({ scopes }) }
      : {
          browser: await provider.startBrowserLogin({
            scopes,
            redirectUri,
            prompt,
            onForeignAnswer: () =>
              context.tell('km: an answer that belongs to another login came, and was not used'),
          }),
        },
  );
  const asked: Pick<PersonsLogin<Login>, 'tell' | 'wait'> = started.device === undefined
    ? {
        tell: () => tellLink(started.browser.url, context),
        wait: (options) => started.browser.wait(options),
      }
    : {
        tell: () => tellDeviceCode(started.device, context),
        wait: (options) => started.device.wait(options),
      };
  return waitForPerson({ what: 'waiting for you in the browser', ...asked, giveBack, onWon }, context);
}

function tellLink(link: string, context: CommandContext): void {
  const { bold } = styleFor(context.stderr(), context.environment);
  const isOpened = openBrowser(link, context);
  context.tell(
    isOpened
      ? 'km: your browser is being opened. If it is not, open this link in it:'
      : 'km: open this link in a browser on this machine:',
  );
  context.tell(`    ${bold(link)}`);
  context.tell('    Ctrl-C gives up. With no browser here, log in with --device instead.');
}
