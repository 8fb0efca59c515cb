import { html, raw } from 'hono/html';
import type { PendingDeviceLogin } from '../device-logins.js';
import type { Scope } from '../scopes.js';
import { STYLE } from './style.js';

/** A page, escaped. */
export type Page = ReturnType<typeof html>;

const MEANING: Readonly<Record<Scope, string>> = {
  monitoring: 'send what it monitors (monitoring)',
  plugins: 'list and download plugins (plugins)',
  default: 'use the Kilometers API in your name (default)',
};

function page(title: string, content: Page): Page {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Kilometers</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html>`;
}

/** Asks for the code the device shows. */
export function enterCodePage(options: { readonly typed?: string; readonly problem?: string } = {}): Page {
  const { problem, typed = '' } = options;
  const alert = problem === undefined ? '' : html`<p class="alert" role="alert" id="problem">${problem}</p>`;
  return page(
    'Connect a device',
    html`<p>Type the code that your device or terminal shows.</p>
      ${alert}
      <form method="get" action="/device">
        <label for="user_code">Code</label>
        <input
          id="user_code"
          name="user_code"
          value="${typed}"
          placeholder="XXXX-XXXX"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          maxlength="16"
          required
          autofocus
          aria-describedby="${problem === undefined ? 'hint' : 'problem hint'}"
          aria-invalid="${problem === undefined ? 'false' : 'true'}"
        />
        <p class="hint" id="hint">Eight letters. Capitals and the hyphen do not matter.</p>
        <div class="buttons"><button class="go">Continue</button></div>
      </form>`,
  );
}

/** Shows what is asked for, and asks for the answer. */
export function confirmPage(login: PendingDeviceLogin, subject: string, csrfToken: string): Page {
  return page(
    'Allow this device?',
    html`<p>Go on only if your own device shows this code at this moment:</p>
      <strong class="code">${login.userCode}</strong>
      <p>In the name of <strong>${subject}</strong> it will be able to:</p>
      <ul>
        ${login.scope.map((scope) => html`<li>${MEANING[scope]}</li>`)}
      </ul>
      <form method="post" action="/device">
        <input type="hidden" name="user_code" value="${login.userCode}" />
        <input type="hidden" name="csrf_token" value="${csrfToken}" />
        <div class="buttons">
          <button class="go" name="answer" value="approve">Approve</button>
          <button name="answer" value="deny">Deny</button>
        </div>
      </form>`,
  );
}

/** Says what was done. */
export function donePage(answer: 'approved' | 'denied'): Page {
  return answer === 'approved'
    ? page('Device connected', html`<p role="status">You can close this page and go back to your device.</p>`)
    : page('Device denied', html`<p role="status">The device gets no access. You can close this page.</p>`);
}

/** Says that the form did not come from this page. */
export function refusedPage(): Page {
  return page(
    'Not accepted',
    html`<p class="alert" role="alert">This form did not come from this page, or the page is too old.</p>
      <p><a href="/device">Start again</a></p>`,
  );
}
