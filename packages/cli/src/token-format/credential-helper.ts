import type { AuthToken, Scope } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { grantOfAccount, tokenKeyOf } from '../grant-of-account.js';
import type { Account } from '../settings.js';
import type { Storage } from '../token-cache.js';
import { CredentialHosts } from './credential-host.js';
import { NOT_FOUND, parseDockerLogin, parseDockerServer } from './docker-credential.js';
import { gitAnswer, parseGitRequest } from './git-credential.js';
import { readRequest } from './read-request.js';
import { dropRefusedToken, holdsToken, type TokenOwner } from './refused-token.js';
import { unboundToken } from './unbound-token.js';

type DockerAction = (typeof DOCKER_ACTIONS)[number];

export type HelperOptions = {
  readonly account: Account;
  readonly storage: Pick<Storage, 'cache'>;
  readonly context: CommandContext;
  readonly scope: Scope;
  /** Hosts besides the API's own that may be given the token. */
  readonly hosts: readonly string[] | undefined;
  /** What stands beside the token where a user name must. */
  readonly username: string;
  readonly getToken: () => Promise<AuthToken>;
};

/** Tokens are kept by who issues them, which need not be where they go. */
function ownerOf({ account }: HelperOptions): TokenOwner {
  return grantOfAccount(account).key;
}

/**
 * Speaks git's protocol for credential helpers. For a server that is not ours it says nothing: git then
 * goes on to the next helper.
 */
async function helpGit(action: string, options: HelperOptions): Promise<number> {
  const { account, context, storage } = options;
  const hosts = new CredentialHosts(account.endpoint.value, options.hosts);
  // Actions that are not known are ignored, as git asks of a helper.
  if (action !== 'get' && action !== 'erase') return EXIT.done;
  const request = parseGitRequest(await readRequest(context.stdin(), context.clock, 'git'));
  const verdict = request.server === undefined ? 'not-ours' : hosts.verdictOn(request.server);
  if (verdict === 'insecure') {
    context.tell(`km: no token for ${request.server?.origin ?? ''}: plain http would show it to the network`);
  }
  if (verdict !== 'yes') return EXIT.done;
  if (action === 'get') {
    const token = unboundToken(await options.getToken(), 'git');
    await context.answer(gitAnswer(token, request, options.username));
    return EXIT.done;
  }
  const { secret } = request;
  const isRefused = (token: AuthToken): boolean => token.reveal() === secret;
  await dropRefusedToken(storage.cache, ownerOf(options), isRefused, context.clock.nowMs());
  return EXIT.done;
}

/** Speaks docker's protocol for credential helpers. What went wrong is said on stdout, where docker reads it. */
async function helpDocker(action: DockerAction, options: HelperOptions): Promise<number> {
  const { account, context, storage, username } = options;
  const hosts = new CredentialHosts(account.endpoint.value, options.hosts);
  const read = (): Promise<string> => readRequest(context.stdin(), context.clock, 'docker');
  const refuse = async (text: string): Promise<number> => {
    await context.answer(`${text}\n`);
    return EXIT.failed;
  };
  switch (action) {
    case 'version':
      await context.answer(`docker-credential-km ${context.version}\n`);
      return EXIT.done;
    case 'list':
      await context.answer(
        `${JSON.stringify(Object.fromEntries(hosts.list().map((host) => [host, username])))}\n`,
      );
      return EXIT.done;
    case 'get': {
      const text = (await read()).trim();
      const server = parseDockerServer(text);
      if (server === undefined || hosts.verdictOn(server) !== 'yes') return refuse(NOT_FOUND);
      const given = options.getToken().then((found) => unboundToken(found, 'docker'));
      const token = await given.catch(async (error: unknown) => {
        await refuse(`km: ${error instanceof Error ? error.message : String(error)}`);
        throw error;
      });
      const answer = { ServerURL: text, Username: username, Secret: token.reveal() };
      await context.answer(`${JSON.stringify(answer)}\n`);
      return EXIT.done;
    }
    case 'store': {
      // After a `docker login` that used what `get` gave, docker gives it back.
      const { server, secret } = parseDockerLogin(await read()) ?? {};
      const isOurs = server !== undefined && hosts.verdictOn(server) === 'yes';
      const isToken = (token: AuthToken): boolean => token.reveal() === secret;
      if (isOurs && (await holdsToken(storage.cache, ownerOf(options), isToken))) return EXIT.done;
      return refuse('km gives its own token to the servers that it knows, and keeps no other password');
    }
    case 'erase': {
      const server = parseDockerServer(await read());
      if (server === undefined || hosts.verdictOn(server) !== 'yes') return refuse(NOT_FOUND);
      const wanted = tokenKeyOf(account, options.scope);
      const isMeant = (_: AuthToken, key: string): boolean => key === wanted;
      await dropRefusedToken(storage.cache, ownerOf(options), isMeant, context.clock.nowMs());
      return EXIT.done;
    }
  }
}

const DOCKER_ACTIONS = ['get', 'store', 'erase', 'list', 'version'] as const;

/** Answers what a program asks of a credential helper. Resolves with the exit code. */
export type CredentialHelper = (options: HelperOptions) => Promise<number>;

/**
 * What speaks to `format`, asked for `action`. Of git any word will do, for it may learn new ones.
 *
 * @throws {CliError} when the action is missing, or docker does not have it.
 */
export function credentialHelper(format: 'git' | 'docker', action: string | undefined): CredentialHelper {
  if (format === 'git') {
    if (action === undefined) throw helperUsage('git', ['get', 'store', 'erase']);
    return (options) => helpGit(action, options);
  }
  const known = DOCKER_ACTIONS.find((each) => each === action);
  if (known === undefined) throw helperUsage('docker', DOCKER_ACTIONS);
  return (options) => helpDocker(known, options);
}

function helperUsage(format: 'git' | 'docker', known: readonly string[]): CliError {
  return new CliError(
    `--format ${format} is for ${format} to call, with ${known.join(', ')} as the last word; see docs/scripts.md`,
    { exitCode: EXIT.usage },
  );
}
