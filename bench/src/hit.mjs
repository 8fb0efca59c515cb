// A token that is at hand: what does asking for it cost, over `await` of an async function that returns a field?
import { performance } from 'node:perf_hooks';
import { managerHolding } from './library.mjs';
import { badgatewayHolding, googleHolding, msalHolding, smithyHolding } from './peers.mjs';
import { sideBySide } from './side-by-side.mjs';

// Each contender has a loop of its own, so that none is slowed by what the compiler learned from another.
let last;

/** So that no loop can be left out: somebody reads what it found. */
export function lastSeen() {
  return last;
}

export async function measureHits(options) {
  const one = await managerHolding(['monitoring']);
  const names = Array.from({ length: 999 }, (_, index) => `scope-${index}`);
  const thousand = await managerHolding([...names, 'monitoring']);
  const holder = { token: 'token', expiresAtMs: 1e12 };
  async function readField() {
    return holder.token;
  }
  async function readFieldInTime() {
    return performance.now() < holder.expiresAtMs ? holder.token : undefined;
  }
  const [smithy, badgateway, google, msal] = await Promise.all([
    smithyHolding(),
    badgatewayHolding(),
    googleHolding(),
    msalHolding(),
  ]);

  const token = [
    {
      name: 'await of a field',
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = await readField();
      },
    },
    {
      name: 'await of a field, and one reading of a clock',
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = await readFieldInTime();
      },
    },
    {
      name: '@kilometers/auth',
      target: 1.6,
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = await one.getValidToken('monitoring');
      },
    },
    {
      name: '@kilometers/auth, 1,000 scopes held',
      target: 1.6,
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = await thousand.getValidToken('monitoring');
      },
    },
    {
      name: '@kilometers/auth, another of 1,000 scopes each time',
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = await thousand.getValidToken(names[time % 999]);
      },
    },
    {
      name: '@smithy/property-provider',
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = await smithy();
      },
    },
    {
      name: '@badgateway/oauth2-client',
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = await badgateway.getAccessToken();
      },
    },
    {
      name: 'google-auth-library',
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = await google.getAccessToken();
      },
    },
    {
      name: '@azure/msal-node',
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = await msal();
      },
    },
  ];
  const authorization = [
    token[0],
    {
      name: '@kilometers/auth',
      target: 3,
      run: async (times) => {
        for (let time = 0; time < times; time += 1)
          last = (await one.getValidToken('monitoring')).authorization;
      },
    },
    {
      name: '@smithy/property-provider',
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = `Bearer ${(await smithy()).token}`;
      },
    },
    {
      name: '@badgateway/oauth2-client',
      run: async (times) => {
        for (let time = 0; time < times; time += 1) last = `Bearer ${await badgateway.getAccessToken()}`;
      },
    },
    {
      name: 'google-auth-library',
      run: async (times) => {
        for (let time = 0; time < times; time += 1)
          last = (await google.getRequestHeaders()).get('authorization');
      },
    },
  ];
  return [
    {
      title: 'A token at hand',
      note: 'Per `await getValidToken(scope)`, over `await` of an async function that returns a field. Whoever looks whether a token has expired reads a clock: the second row is the least that such a look can cost on this machine',
      rows: await sideBySide(token, options),
    },
    {
      title: 'A token at hand, as an `Authorization` value',
      note: 'The same, with the text of the header',
      rows: await sideBySide(authorization, options),
    },
  ];
}
