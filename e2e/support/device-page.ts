import type { RunningLocalApi } from '@kilometers/local-api';

/** The code in what `km` said; without one, nothing. */
export function userCodeIn(text: string): string | undefined {
  return /enter the code (\S+)/.exec(text)?.[1];
}

/** Opens the page of a device login as a browser would, and answers. */
export async function answerOnPage(
  api: RunningLocalApi,
  userCode: string,
  answer: 'approve' | 'deny',
): Promise<void> {
  const page = await fetch(`${api.url}/device?user_code=${encodeURIComponent(userCode)}`);
  const csrf = /name="csrf_token" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  const done = await fetch(`${api.url}/device`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      cookie: page.headers.get('set-cookie')?.split(';')[0] ?? '',
      origin: api.url,
    },
    body: new URLSearchParams({ user_code: userCode, csrf_token: csrf, answer }).toString(),
  });
  if (done.status !== 200) throw new Error(`the page answered ${done.status}`);
}
