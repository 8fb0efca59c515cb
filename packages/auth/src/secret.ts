import { inspect } from 'node:util';
import { fingerprintOf } from './fingerprint.js';

const REDACTED = '[redacted]';

/** A text that must not leak: an API key, a refresh token, a client secret. It prints as `[redacted]`. */
export class Secret {
  readonly #text: string;
  #fingerprint: string | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** `text` as a {@link Secret}; one that already is comes back as it is. */
  static from(text: string | Secret): Secret {
    return typeof text === 'string' ? new Secret(text) : text;
  }

  /** The text itself. The only way to it. */
  reveal(): string {
    return this.#text;
  }

  /** The first 8 hex digits of the text's SHA-256: what logs and events call it. */
  get fingerprint(): string {
    return (this.#fingerprint ??= fingerprintOf(this.#text));
  }

  /** Always `[redacted]`, as are `toJSON` and what `util.inspect` shows. */
  toString(): string {
    return REDACTED;
  }

  /** Always `[redacted]`. */
  toJSON(): string {
    return REDACTED;
  }

  /** Always `[redacted]`. */
  [inspect.custom](): string {
    return REDACTED;
  }
}
