export type WebPage = { readonly url: string; readonly status: number; readonly text: string };

/** A person at a browser without a screen: keeps cookies, follows redirects, fills in the forms of the test server. */
export class WebPerson {
  readonly #cookies = new Map<string, string>();

  /** Opens a page and follows where it leads. */
  async open(
    url: string,
    init: { readonly method?: string; readonly body?: URLSearchParams } = {},
  ): Promise<WebPage> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    const text = await answer.text();
    const location = answer.headers.get('location');
    return location === null ? { url, status: answer.status, text } : this.open(new URL(location, url).href);
  }

  /** Opens the link of a login, and says yes or no to all that is asked; gives the page on which that ends. */
  async answer(link: string, answer: 'approve' | 'deny' = 'approve') {
    let page = await this.open(link);
    for (let form = formIn(page.text); form !== undefined; form = formIn(page.text)) {
      const cancel = /href="([^"]*\/abort)"/.exec(page.text)?.[1];
      if (answer === 'deny' && cancel !== undefined) return this.open(new URL(cancel, page.url).href);
      const fields = new URLSearchParams({ ...form.fields, login: 'somebody', password: 'any' });
      page = await this.open(new URL(form.action, page.url).href, { method: 'POST', body: fields });
    }
    return page;
  }
}

type Form = { readonly action: string; readonly fields: Readonly<Record<string, string>> };

function formIn(html: string): Form | undefined {
  const [, attributes = '', body = ''] =
    /<form([^>]*method="post"[^>]*)>([\s\S]*?)<\/form>/i.exec(html) ?? [];
  const action = /action="([^"]*)"/.exec(attributes)?.[1];
  if (action === undefined) return undefined;
  const inputs = [...body.matchAll(/<input[^>]*type="hidden"[^>]*>/gi)].map(([input]) => [
    /name="([^"]*)"/.exec(input)?.[1] ?? '',
    /value="([^"]*)"/.exec(input)?.[1] ?? '',
  ]);
  return { action, fields: Object.fromEntries(inputs) as Record<string, string> };
}
