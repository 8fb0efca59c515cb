import { expect } from 'vitest';
import type { TestApi } from './harness.js';

type Started = {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string;
  readonly expiresIn: number;
  readonly interval: number;
};

export async function start(api: TestApi, body: unknown = { scope: ['monitoring'] }): Promise<Started> {
  const answer = await api.post('/api/auth/device-code/start', body);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Started;
}

export const poll = (api: TestApi, deviceCode: string): Promise<Response> =>
  api.post('/api/auth/device-code/poll', { deviceCode });

export async function refusal(api: TestApi, deviceCode: string): Promise<string> {
  const answer = await poll(api, deviceCode);
  expect(answer.status).toBe(400);
  return ((await answer.json()) as { error: string }).error;
}

/** Opens the page as a browser would, and answers. */
export async function answerOnPage(
  api: TestApi,
  userCode: string,
  answer: 'approve' | 'deny',
): Promise<Response> {
  const page = await api.get(`/device?user_code=${encodeURIComponent(userCode)}`);
  const html = await page.text();
  const csrf = /name="csrf_token" value="([^"]+)"/.exec(html)?.[1] ?? '';
  const cookie = page.headers.get('set-cookie')?.split(';')[0] ?? '';
  return api.app.request('/device', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Cookie: cookie,
      Origin: 'http://localhost',
      'Sec-Fetch-Site': 'same-origin',
    },
    body: new URLSearchParams({ user_code: userCode, csrf_token: csrf, answer }).toString(),
  });
}
