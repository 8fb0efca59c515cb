import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, environment, runKm } from './support/km.js';
import { firstCells } from './support/markdown.js';

/** What says how tokens are refreshed, by its name in `config.json`: a value for each place it can come from. */
const REFRESH = [
  ['refreshAhead', { variable: 'KM_REFRESH_AHEAD', byDefault: 300_000, config: '6m', environment: '7m' }],
  ['retryInterval', { variable: 'KM_RETRY_INTERVAL', byDefault: 30_000, config: '31s', environment: '32s' }],
  ['maxRetries', { variable: 'KM_MAX_RETRIES', byDefault: 3, config: 4, environment: '5' }],
  ['checkInterval', { variable: 'KM_CHECK_INTERVAL', byDefault: 60_000, config: '61s', environment: '62s' }],
  [
    'requestTimeout',
    { variable: 'KM_REQUEST_TIMEOUT', byDefault: 10_000, config: '11s', environment: '12s' },
  ],
  ['refreshDeadline', { variable: 'KM_REFRESH_DEADLINE', byDefault: 2_000, config: '3s', environment: '4s' }],
] as const;

/** Durations are milliseconds in the status. */
const STATED = {
  config: [360_000, 31_000, 4, 61_000, 11_000, 3_000],
  environment: [420_000, 32_000, 5, 62_000, 12_000, 4_000],
  default: REFRESH.map(([, { byDefault }]) => byDefault),
} as const;

const memberOf = (name: string): string => (name === 'maxRetries' ? name : `${name}Ms`);

/** The settings of the status where all of them come from one place. */
function allFrom(from: keyof typeof STATED): object {
  return Object.fromEntries(
    REFRESH.map(([name], index) => [memberOf(name), { value: STATED[from][index], from }]),
  );
}

type Place = {
  readonly flags?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly config?: object;
};

/** What km auth status says, as JSON and as people read it. */
async function statusWith({ flags = [], variables, config }: Place, env = environment()) {
  const folder = join(env['HOME'] ?? '', '.config', 'kilometers');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (config !== undefined)
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  const run = (...more: readonly string[]) =>
    runKm(['auth', 'status', ...flags, ...more], { env: { ...env, ...variables } });
  const { active, activeFrom, profiles } = JSON.parse((await run('--json')).stdout) as {
    readonly active: string;
    readonly activeFrom: string;
    readonly profiles: readonly Readonly<Record<string, unknown>>[];
  };
  const lines = (await run()).stdout.replaceAll(/\s+/g, ' ');
  return { active, activeFrom, profile: profiles[0] ?? {}, lines };
}

const IN_CONFIG = Object.fromEntries(REFRESH.map(([name, { config }]) => [name, config]));
const IN_ENVIRONMENT = Object.fromEntries(
  REFRESH.map(([, { variable, environment: value }]) => [variable, value]),
);

describe('how tokens are refreshed', () => {
  test('is set by what docs/configuration.md names, and by nothing else', () => {
    const members = firstCells('docs/configuration.md', 'member of a profile');
    const notRefresh = ['apiEndpoint', 'provider'];
    expect(members.filter((name) => !notRefresh.includes(name))).toEqual(REFRESH.map(([name]) => name));
    expect(firstCells('docs/configuration.md', 'variable')).toEqual(
      expect.arrayContaining(REFRESH.map(([, { variable }]) => variable)),
    );
  });

  test('is the default where nobody says anything', async () => {
    const { profile, lines } = await statusWith({});
    expect(profile['settings']).toEqual(allFrom('default'));
    expect(lines).toContain('settings: the defaults');
  });

  test('is what the profile says before that', async () => {
    const { profile, lines } = await statusWith({ config: { profiles: { default: IN_CONFIG } } });
    expect(profile['settings']).toEqual(allFrom('config'));
    expect(lines).toContain('maxRetries 4 (from config.json)');
  });

  test('is what the environment says before that', async () => {
    const { profile, lines } = await statusWith({
      config: { profiles: { default: IN_CONFIG } },
      variables: IN_ENVIRONMENT,
    });
    expect(profile['settings']).toEqual(allFrom('environment'));
    expect(lines).toContain('refreshAhead 7 m (from the environment)');
  });

  test.each(REFRESH)(
    'has %s from where it is said, and the others from where they are',
    async (name, row) => {
      const { profile } = await statusWith({
        config: { profiles: { default: IN_CONFIG } },
        variables: { [row.variable]: row.environment },
      });
      const index = REFRESH.findIndex(([each]) => each === name);
      const own = { [memberOf(name)]: { value: STATED.environment[index], from: 'environment' } };
      expect(profile['settings']).toEqual({ ...allFrom('config'), ...own });
    },
  );
});

const CONFIG = { activeProfile: 'configured', profiles: { configured: {}, flagged: {}, varied: {} } };

test.each<[string, string, Place, string]>([
  [
    'a flag',
    'flag',
    { flags: ['--profile', 'flagged'], variables: { KM_PROFILE: 'varied' }, config: CONFIG },
    'flagged',
  ],
  ['the environment', 'environment', { variables: { KM_PROFILE: 'varied' }, config: CONFIG }, 'varied'],
  ['config.json', 'config', { config: CONFIG }, 'configured'],
  ['the default', 'default', {}, 'default'],
])('the profile is that of %s before what follows', async (place, activeFrom, from, active) => {
  const status = await statusWith(from);
  expect(status).toMatchObject({ active, activeFrom, profile: { profile: active, isActive: true } });
  const words = activeFrom === 'default' ? place : `from ${place}`;
  expect(status.lines).toContain(`profile ${active} (active, ${words})`);
});

const AT = (name: string): string => `https://${name}.example`;
const AT_CONFIG = { profiles: { default: { apiEndpoint: AT('configured') } } };

test.each<[string, string, Place, string]>([
  [
    'a flag',
    'flag',
    {
      flags: ['--endpoint', AT('flagged')],
      variables: { KILOMETERS_API_ENDPOINT: AT('varied') },
      config: AT_CONFIG,
    },
    AT('flagged'),
  ],
  [
    'the environment',
    'environment',
    { variables: { KILOMETERS_API_ENDPOINT: AT('varied') }, config: AT_CONFIG },
    AT('varied'),
  ],
  ['config.json', 'config', { config: AT_CONFIG }, AT('configured')],
  ['the default', 'default', {}, 'https://api.kilometers.ai'],
])('the endpoint is that of %s before what follows', async (place, endpointFrom, from, endpoint) => {
  const { profile, lines } = await statusWith(from);
  expect(profile).toMatchObject({ endpoint, endpointFrom });
  const words = endpointFrom === 'default' ? place : `from ${place}`;
  expect(lines).toContain(`endpoint: ${endpoint} (${words})`);
});

test('the API key of the environment goes before the stored login, whose endpoint goes before the default', async () => {
  const api = await startApi();
  const env = environment();
  const login = ['auth', 'login', '--api-key-stdin', '--endpoint', api.url];
  expect(await runKm(login, { env, input: API_KEY })).toMatchObject({ code: 0 });
  const stored = await statusWith({ config: {} }, env);
  expect(stored.profile).toMatchObject({
    credentialFrom: 'login',
    endpoint: api.url,
    endpointFrom: 'login',
  });
  expect(stored.lines).toContain(`endpoint: ${api.url} (from the login)`);
  const variables = { KILOMETERS_API_KEY: API_KEY, KILOMETERS_API_ENDPOINT: api.url };
  const varied = await statusWith({ variables }, env);
  expect(varied.profile).toMatchObject({ credentialFrom: 'environment', endpointFrom: 'environment' });
  expect(varied.lines).toContain('login: API key, from the environment');
});
