import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, environment, runKm, type Ending } from './support/km.js';
import { firstCells } from './support/markdown.js';
import { CTRL_C, startOnTerminal } from './support/terminal.js';

/** A way to come to an exit code. */
type Way = () => Promise<Pick<Ending, 'code'>>;

async function away(): Promise<Record<string, string>> {
  const api = await startApi();
  await api.close();
  return accountAt(api.url, { KM_MAX_RETRIES: '0' });
}

async function refused(): Promise<Record<string, string>> {
  const api = await startApi();
  return accountAt(api.url, { KILOMETERS_API_KEY: 'km_live_unknown' });
}

async function served(): Promise<Record<string, string>> {
  return accountAt((await startApi()).url);
}

/** Runs one command in the environment that `prepare` makes. */
const run =
  (line: string, prepare: () => Promise<Record<string, string>> = served): Way =>
  async () =>
    runKm(line.split(' '), { env: await prepare() });

const nobody = (): Promise<Record<string, string>> => Promise.resolve(environment());

/** What km runs, with the words of a shell. */
const child = (command: string, script: string): Way => {
  const words = [...command.split(' '), '--', 'sh', '-c', script];
  return async () => runKm(words, { env: await served() });
};

const givenUp: Way = async () => {
  const terminal = startOnTerminal(['auth', 'login'], { env: environment() });
  await terminal.shows('Type a number');
  terminal.type(CTRL_C);
  return terminal.ended;
};

/** By how the README writes it: the ways to each, and the code as a number. */
const CODES: Readonly<Record<string, readonly [number, Readonly<Record<string, Way>>]>> = {
  '0': [
    0,
    {
      'km auth token': run('auth token'),
      'km auth status': run('auth status'),
      'km doctor': run('doctor'),
      'km --help': run('--help'),
      'km --version': run('--version'),
    },
  ],
  '1': [
    1,
    {
      'a key that the API refuses': run('auth token', refused),
      'a check that fails': run('doctor', away),
    },
  ],
  '2': [
    2,
    {
      'an unknown flag': run('auth token --scop x'),
      'an unknown flag of km auth status': run('auth status --jso'),
      'an unknown command': run('auth tokn'),
      'a value that is not allowed': run('auth token --min-valid soon'),
      'a variable that is not allowed': run('auth token', async () => ({
        ...(await served()),
        KM_REFRESH_AHEAD: '2d',
      })),
      'nobody who can be asked': run('auth login', nobody),
    },
  ],
  '4': [
    4,
    {
      'km auth token of nobody': run('auth token', nobody),
      'km auth status of nobody': run('auth status', nobody),
      'km plugins list of nobody': run('plugins list', nobody),
    },
  ],
  '75': [75, { 'an API that is away': run('auth token', away) }],
  '130': [130, { 'Ctrl-C at a question': givenUp }],
  "the command's own": [
    7,
    {
      'km auth exec': child('auth exec', 'exit 7'),
      'km monitor': child('monitor --local', 'exit 7'),
    },
  ],
  '128 + signal': [
    143,
    {
      'km auth exec': child('auth exec', 'kill -TERM $$'),
      'km monitor': child('monitor --local', 'kill -TERM $$'),
    },
  ],
  '126': [
    126,
    {
      'km auth exec': run('auth exec -- /etc/passwd'),
      'km monitor': run('monitor --local -- /etc/passwd'),
    },
  ],
  '127': [
    127,
    {
      'km auth exec': run('auth exec -- /no/such/program'),
      'km monitor': run('monitor --local -- /no/such/program'),
    },
  ],
};

const WAYS = Object.values(CODES).flatMap(([code, ways]) =>
  Object.entries(ways).map(([how, way]) => [code, how, way] as const),
);

describe('exit codes', () => {
  test('are those that the README of the command line has', () => {
    const cells = firstCells('packages/cli/README.md', 'code');
    const documented = cells.flatMap((cell) => cell.split(/, or |; |, /));
    expect(documented.sort()).toEqual(Object.keys(CODES).sort());
  });

  test.each(WAYS)('%i: %s', async (code, _, way) => {
    expect(await way()).toMatchObject({ code });
  });
});

describe('the exit code of what needs a token', () => {
  const NEEDS_TOKEN = [
    ['auth', 'token'],
    ['auth', 'refresh'],
    ['auth', 'exec', '--', 'true'],
    ['plugins', 'list'],
  ];

  test.each(NEEDS_TOKEN)('of km %s %s is 4 with nobody logged in', async (...words) => {
    const { code, stdout, stderr } = await runKm(words);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('km auth login');
  });

  test.each(NEEDS_TOKEN)('of km %s %s is 75 while the API cannot be reached', async (...words) => {
    const api = await startApi();
    await api.close();
    const { code, stdout } = await runKm(words, { env: accountAt(api.url, { KM_MAX_RETRIES: '0' }) });
    expect({ code, stdout }).toEqual({ code: 75, stdout: '' });
  });

  test.each(NEEDS_TOKEN)('of km %s %s is 1 for a key that the API refuses', async (...words) => {
    const api = await startApi();
    const env = accountAt(api.url, { KILOMETERS_API_KEY: 'km_live_unknown' });
    expect(await runKm(words, { env })).toMatchObject({ code: 1, stdout: '' });
  });
});
