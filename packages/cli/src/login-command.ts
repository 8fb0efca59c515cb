import { Command, Option } from 'commander';
import type { CommandContext } from './command-context.js';
import { addAccountOptions, addExample } from './command-options.js';
import { collect } from './flag-values.js';
import type { AuthLoginFlags } from './login/login-kind.js';

/** `km auth login`. */
export function loginCommand(context: CommandContext, exitWith: (code: number) => void): Command {
  const login = new Command('login')
    .description('log a profile in: prove a credential by getting a token with it, then store it, encrypted')
    .option('--device', 'in a browser, here or on another device, with a code')
    .option('--web', 'in the browser of this machine')
    .option('--api-key-stdin', 'read an API key from standard input, within 30 s')
    .option('--api-key <key>', 'an API key; other users of this machine can see it')
    .option('--client-id <id>', 'log in as this client')
    .option('--client-secret-stdin', "read the client's secret from standard input, within 30 s")
    .option('--scope <scope>', 'what the login must be good for; may be given more than once', collect);
  addAccountOptions(login);
  addIssuerOptions(login);
  addExample(login, 'km auth login --api-key-stdin < api-key.txt');
  return login.action(async (flags: AuthLoginFlags) => {
    const { runAuthLogin } = await import('./commands/auth-login.js');
    exitWith(await runAuthLogin(flags, context));
  });
}

function addIssuerOptions(login: Command): void {
  login
    .optionsGroup('Any OAuth 2.0 or OpenID provider (docs/oauth.md):')
    .option('--issuer <url>', 'who issues the tokens, as in https://id.example.com')
    .option('--audience <name>', 'the API that the tokens are for')
    .option('--resource <uri>', 'the same, by its URI; may be given more than once', collect)
    .option('--redirect-uri <uri>', 'where the browser comes back to')
    .option('--dpop', 'bind the tokens to a key (RFC 9449)')
    .option('--prompt <value>', "OpenID's prompt")
    .addOption(
      new Option('--client-auth <method>', 'how the client shows who it is').choices([
        'none',
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
        'tls_client_auth',
      ]),
    )
    .option('--client-key <file>', "the client's private key, as PEM or JWK")
    .option('--client-cert <file>', "the client's certificate, as PEM")
    .option('--token-endpoint <url>', 'where nothing is published; so the next three')
    .option('--authorization-endpoint <url>', 'where a browser logs in')
    .option('--device-endpoint <url>', 'where a login with a code begins')
    .option('--revocation-endpoint <url>', 'where tokens are ended');
}
