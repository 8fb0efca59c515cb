import { createHash } from 'node:crypto';

/** The page's whole look; it loads nothing. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #16181d; --soft: #565c69; --paper: #f4f5f7; --card: #fff; --line: #c9cdd6;
  --go: #1a56c4; --alert: #a3161f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef2; --soft: #a9b0bd; --paper: #14161a; --card: #1e2127; --line: #454b57; --go: #8ab4ff; --alert: #ff9aa0; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 27rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; }
h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
label { display: block; margin-bottom: .35rem; font-weight: 600; }
input { width: 100%; padding: .7rem; font: 1.4rem/1.2 ui-monospace, monospace; letter-spacing: .12em; text-align: center;
  text-transform: uppercase; color: inherit; background: transparent; border: 1px solid var(--soft); border-radius: .5rem; }
.code { display: block; margin: 0 0 1rem; padding: .7rem; font: 700 1.6rem/1.2 ui-monospace, monospace; letter-spacing: .12em;
  text-align: center; border: 1px dashed var(--soft); border-radius: .5rem; }
ul { margin: 0 0 1.25rem; padding-left: 1.25rem; }
.hint { color: var(--soft); font-size: .9rem; }
.alert { padding: .6rem .8rem; color: var(--alert); border: 1px solid currentColor; border-radius: .5rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem; }
button { flex: 1; padding: .7rem 1rem; font: inherit; font-weight: 600; color: var(--ink); background: transparent;
  border: 1px solid var(--soft); border-radius: .5rem; cursor: pointer; }
button.go { color: var(--card); background: var(--go); border-color: var(--go); }
:focus-visible { outline: 3px solid var(--go); outline-offset: 2px; }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** No scripts, no frames, no other origin; only this style sheet and this site's own forms. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  // Not no-referrer: with that, browsers send "Origin: null" with the form.
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
