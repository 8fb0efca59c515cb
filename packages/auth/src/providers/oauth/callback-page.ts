/** What a browser is shown that came back. */
export type CallbackPage = { readonly status: number; readonly title: string; readonly text: string };

export const LOGGED_IN: CallbackPage = {
  status: 200,
  title: 'You are logged in',
  text: 'You can close this tab, and go back to where you came from.',
};

export const NOT_LOGGED_IN: CallbackPage = {
  status: 400,
  title: 'The login did not work out',
  text: 'The reason is shown where you came from. You can close this tab.',
};

export const ANOTHER_LOGIN: CallbackPage = {
  status: 400,
  title: 'This is not the login that is waited for',
  text: 'The answer belongs to another login, which may be over. Open the link of the latest one.',
};

export const ANSWERED_BEFORE: CallbackPage = {
  status: 409,
  title: 'This login was answered before',
  text: 'You can close this tab.',
};

export const NOTHING_HERE: CallbackPage = {
  status: 404,
  title: 'There is nothing here',
  text: 'You can close this tab.',
};

/** Nothing that came from outside is in the page, nothing is loaded for it, and nobody is told where it was. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  connection: 'close',
} as const;

export function htmlOf({ title, text }: CallbackPage): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 32rem; margin: 20vh auto 0; padding: 0 1rem }
  h1 { font-size: 1.5rem }
</style>
<h1>${title}</h1>
<p>${text}</p>
</html>
`;
}
