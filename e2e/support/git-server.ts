import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { temporaryFolder } from './folder.js';
import { listen } from './listen.js';
import { run } from './login-system.js';

/** A git server on this machine that lets in who has a password that `isGood` likes. */
export type GitServer = {
  /** As git configuration has it: `127.0.0.1:PORT`. */
  readonly host: string;
  readonly url: string;
  /** The passwords that came, in order; `undefined` for a request without one. */
  readonly passwords: readonly (string | undefined)[];
};

/** The password in `Authorization: Basic`. */
function passwordOf(request: IncomingMessage): string | undefined {
  const [, encoded] = /^Basic (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  return text.slice(text.indexOf(':') + 1);
}

/** Lets `git http-backend` answer, by CGI. */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://server');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  backend.once('close', () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    const headers = all.subarray(0, end).toString().split('\r\n');
    response.writeHead(
      200,
      headers.map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
    );
    response.end(all.subarray(end + 4));
  });
}

/** Starts a server with one repository, `code.git`, that has one commit. */
export async function startGitServer(
  isGood: (password: string) => boolean | Promise<boolean>,
): Promise<GitServer> {
  const root = temporaryFolder();
  const work = temporaryFolder();
  run('git', 'init', '-q', '--bare', join(root, 'code.git'));
  run('git', 'init', '-q', '-b', 'main', work);
  const author = ['-c', 'user.name=e2e', '-c', 'user.email=e2e@example.com'];
  run('git', '-C', work, ...author, 'commit', '-q', '--allow-empty', '-m', 'one');
  run('git', '-C', work, 'push', '-q', join(root, 'code.git'), 'main');
  run('git', '-C', join(root, 'code.git'), 'symbolic-ref', 'HEAD', 'refs/heads/main');

  const passwords: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const password = passwordOf(request);
    passwords.push(password);
    void (async () => {
      if (password !== undefined && (await isGood(password))) {
        serve(root, request, response);
        return;
      }
      response.writeHead(401, { 'www-authenticate': 'Basic realm="code"' }).end();
    })();
  });
  const host = `127.0.0.1:${await listen(server)}`;
  return { host, url: `http://${host}/code.git`, passwords };
}
