// Your own provider: tokens come from whoever issues them, here from a command that prints one. The manager
// does the rest: when to ask, once for all who wait, again when it fails, and never in a storm.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AuthToken, createAuthManager, TokenRequestError, type TokenProvider } from '@kilometers/auth';

const PROGRAM = `console.log(JSON.stringify({ token: 'from-a-command', seconds: 900 }))`;

const commandProvider: TokenProvider = {
  async requestToken(request) {
    const issuedAtMs = Date.now();
    try {
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', PROGRAM]);
      const { token, seconds } = JSON.parse(stdout) as { token: string; seconds: number };
      const expiresAtMs = issuedAtMs + seconds * 1_000;
      return {
        token: new AuthToken({ value: token, scopes: request.scopes ?? [], issuedAtMs, expiresAtMs }),
      };
    } catch (cause) {
      // The code tells the manager what the failure means: this one is worth another try.
      throw new TokenRequestError('KM_AUTH_UNREACHABLE', 'the command gave no token', {}, { cause });
    }
  },
};

// A manager asks for tokens when it has something to mint them with; this command needs no secret of ours.
const credential = { clientId: 'the-command', clientSecret: 'unused' };
await using manager = createAuthManager({ provider: commandProvider, clientCredentials: credential });

const tokens = await Promise.all(Array.from({ length: 100 }, () => manager.getValidToken('deploy')));
console.log(
  `${String(tokens.length)} callers, ${String(new Set(tokens).size)} token: ${tokens[0]?.fingerprint ?? ''}`,
);
