import { describe, expect, test } from 'vitest';
import { startDeviceLogin } from '../src/index.js';
import { TransportError } from '../src/providers/http-transport.js';
import { answered, CODE, scriptedDeviceApi, type Reply } from './support/scripted-device-api.js';

describe('the start of a device login', () => {
  test.each<[string, Reply, string]>([
    ['no connection', new TransportError('refused', false), 'KM_AUTH_UNREACHABLE'],
    ['an outage', answered(503, ''), 'KM_AUTH_UNREACHABLE'],
    ['no such service', answered(404, ''), 'KM_AUTH_CONFIGURATION'],
    ['a scope it has not', answered(400, { error: 'invalid_scope' }), 'KM_AUTH_INVALID_SCOPE'],
    ['a captive portal', answered(200, '<html>'), 'KM_AUTH_UNREACHABLE'],
    ['no code', answered(200, { ...CODE, userCode: '' }), 'KM_AUTH_UNREACHABLE'],
    [
      'a code that moves the cursor',
      answered(200, { ...CODE, userCode: '\u001b[2J' }),
      'KM_AUTH_UNREACHABLE',
    ],
    [
      'a link to a program',
      answered(200, { ...CODE, verificationUri: 'file:///bin/sh' }),
      'KM_AUTH_UNREACHABLE',
    ],
  ])('with %s fails, and says so', async (_, reply, code) => {
    const { options } = scriptedDeviceApi([], reply);
    await expect(startDeviceLogin(options)).rejects.toMatchObject({ code });
  });

  test('does not wait for an answer as long as a poll does: it can be asked for again', async () => {
    const { options, clock, late } = scriptedDeviceApi([], (request) =>
      late(request, () => answered(200, CODE), 12_000),
    );
    const starting = expect(startDeviceLogin(options)).rejects.toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    await clock.advance(10_000);
    await starting;
  });

  test('drops a complete link that is none', async () => {
    const { options } = scriptedDeviceApi(
      [],
      answered(200, { ...CODE, verificationUriComplete: 'javascript:alert(1)' }),
    );
    expect((await startDeviceLogin(options)).verificationUriComplete).toBeUndefined();
  });

  test.each([
    ['a number', 90, 90_000],
    ['a numeric string', '90', 90_000],
    ['zero', 0, 600_000],
    ['zero in a string', '0', 600_000],
    ['negative', -1, 600_000],
    ['missing', undefined, 600_000],
  ])('gives a person time where expiresIn is %s', async (_, expiresIn, expiresInMs) => {
    const { options } = scriptedDeviceApi([], answered(200, { ...CODE, expiresIn }));
    expect((await startDeviceLogin(options)).expiresInMs).toBe(expiresInMs);
  });

  test('sends nothing in the clear to another machine', async () => {
    const { options, requests } = scriptedDeviceApi([]);
    await expect(startDeviceLogin({ ...options, apiEndpoint: 'http://api.example' })).rejects.toMatchObject({
      code: 'KM_AUTH_INSECURE_ENDPOINT',
    });
    expect(requests).toEqual([]);
  });
});
