import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** The `error` values of refusals outside OAuth; `invalid_request` is one of OAuth, too. */
export type HttpProblemName =
  'invalid_request' | 'misdirected' | 'not_found' | 'too_large' | 'unsupported_encoding';

/** A refusal outside OAuth, as the client is told it. */
export class HttpProblem extends Error {
  readonly error: HttpProblemName;
  readonly status: ContentfulStatusCode;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(
    status: ContentfulStatusCode,
    error: HttpProblemName,
    message: string,
    more: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'HttpProblem';
    this.error = error;
    this.status = status;
    this.body = { error, error_description: message, ...more };
  }
}

/** The connection is gone, or was dropped on purpose with no socket to show it on: the request fails, as `fetch` does. */
export class ConnectionDropped extends TypeError {
  constructor() {
    super('fetch failed: the connection was dropped');
    this.name = 'ConnectionDropped';
  }
}
