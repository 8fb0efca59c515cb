import type { DeviceLoginOptions } from '../../src/index.js';
import { TransportError, type HttpAnswer, type HttpRequest } from '../../src/providers/http-transport.js';
import { fakeClock } from './fake-clock.js';

export const CODE = {
  deviceCode: 'device-code-secret',
  userCode: 'BCDF-GHJK',
  verificationUri: 'https://id.example/device',
  verificationUriComplete: 'https://id.example/device?user_code=BCDF-GHJK',
  expiresIn: 600,
  interval: 5,
};

export const answered = (status: number, body: unknown, headers: HttpAnswer['headers'] = {}): HttpAnswer => ({
  status,
  headers,
  text: typeof body === 'string' ? body : JSON.stringify(body),
});
export const refused = (error: string) => answered(400, { error });
export const PENDING = refused('authorization_pending');

export type Reply = HttpAnswer | Error | ((request: HttpRequest) => Promise<HttpAnswer>);

/** An API that gives `code`, and to the polls `replies` in turn, the last of them for ever. */
export function scriptedDeviceApi(replies: readonly Reply[], code: Reply = answered(200, CODE)) {
  const clock = fakeClock();
  const requests: HttpRequest[] = [];
  const pollsAtS: number[] = [];
  const give = (reply: Reply | undefined, request: HttpRequest): Promise<HttpAnswer> => {
    if (typeof reply === 'function') return reply(request);
    return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply ?? PENDING);
  };
  const options: DeviceLoginOptions = {
    apiEndpoint: 'https://api.example/base',
    clock,
    transport: (request) => {
      requests.push(request);
      if (request.url.pathname.endsWith('/start')) return give(code, request);
      pollsAtS.push(Math.round(clock.monotonicMs() / 1_000));
      return give(replies[Math.min(pollsAtS.length, replies.length) - 1], request);
    },
  };
  const granted = (token: object = {}) =>
    answered(200, {
      token: {
        accessToken: 'access',
        accessTokenExpiresAt: new Date(clock.nowMs() + 3_600_000).toISOString(),
        tokenType: 'bearer',
        refreshToken: 'refresh',
        scope: ['monitoring', 'plugins'],
        ...token,
      },
    });
  /** What `answer` brings, after `afterMs`: to who waits for so long. */
  const late = (
    { answerTimeoutMs }: HttpRequest,
    answer: () => HttpAnswer,
    afterMs: number,
  ): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      if (afterMs <= answerTimeoutMs) clock.schedule(() => resolve(answer()), afterMs, true);
      else clock.schedule(() => reject(new TransportError('no answer', true)), answerTimeoutMs, true);
    });
  return { clock, requests, pollsAtS, options, granted, late };
}
