import { Agent, get, Server } from 'node:http';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { createLocalApi, LocalApiError, startLocalApi } from '../src/index.js';
import { PRO_KEY } from './harness.js';

test('it listens on a free port of 127.0.0.1 and its tokens name that address', async () => {
  await using api = await startLocalApi({ apiKeys: [PRO_KEY] });
  expect(api.url).toBe(`http://127.0.0.1:${api.port}`);
  const answer = await fetch(`${api.url}/api/auth/token`, {
    method: 'POST',
    body: JSON.stringify({ grant_type: 'api_key', api_key: PRO_KEY }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  expect(JSON.parse(claims)).toMatchObject({ iss: api.url });
});

test('a port in use is a clear error', async () => {
  await using first = await startLocalApi();
  const second = startLocalApi({ port: first.port });
  await expect(second).rejects.toThrow(LocalApiError);
  await expect(second).rejects.toMatchObject({
    code: 'KM_LOCAL_API_PORT_IN_USE',
    message: `port ${first.port} on 127.0.0.1 is already in use; choose another port, or 0 for any free one`,
  });
});

test('closing ends kept-alive connections at once, and twice is as good as once', async () => {
  const api = await startLocalApi();
  const agent = new Agent({ keepAlive: true });
  const [response] = (await once(get(`${api.url}/health`, { agent }), 'response')) as [NodeJS.ReadableStream];
  response.resume();
  await once(response, 'end');

  // What is idle is closed at once; all that is left is cut off only after a farewell.
  const cutOff = vi.spyOn(Server.prototype, 'closeAllConnections');
  await Promise.all([api.close(), api.close()]);
  expect(cutOff).not.toHaveBeenCalled();
  agent.destroy();
});

test('twenty requests that wait at once cause no warning', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): number => warnings.push(warning);
  process.on('warning', note);
  await using api = await startLocalApi({ trouble: ['latency=20ms,path=*,count=inf'] });
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${api.url}/health`)));
  expect(answers.every(({ ok }) => ok)).toBe(true);
  process.off('warning', note);
  expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
});

test('one API can listen in two places, and closing ends both', async () => {
  const api = createLocalApi();
  const [one, two] = [await api.listen(), await api.listen()];
  for (const { url } of [one, two]) expect((await fetch(`${url}/health`)).status).toBe(200);
  await api.close();
  for (const { url } of [one, two]) await expect(fetch(`${url}/health`)).rejects.toThrow();
});

test('once a socket is closed by itself, its address is named no more', async () => {
  const api = createLocalApi();
  const linkOf = async (): Promise<string> => {
    const answer = await api.app.request('/api/auth/device-code/start', { method: 'POST', body: '{}' });
    return ((await answer.json()) as { verificationUri: string }).verificationUri;
  };
  const first = await api.listen();
  const second = await api.listen();
  expect(await linkOf()).toBe(`${second.url}/device`);
  const closed = second.close();
  expect(await linkOf()).toBe(`${first.url}/device`);
  await Promise.all([closed, second.close()]);
  await first.close();
  expect(await linkOf()).toBe('http://localhost/device');
  await api.close();
});

test('an API that is closed, or closing, listens nowhere any more', async () => {
  const api = createLocalApi();
  const closed = api.close();
  await expect(api.listen()).rejects.toMatchObject({ code: 'KM_LOCAL_API_CANNOT_LISTEN' });
  await closed;
  await expect(api.listen()).rejects.toThrow('the API is closed; create another');
});

test('a socket that was just opening when the API closed is ended, too', async () => {
  const api = createLocalApi();
  const opening = api.listen();
  await api.close();
  await expect(opening).rejects.toMatchObject({ code: 'KM_LOCAL_API_CANNOT_LISTEN' });
});
