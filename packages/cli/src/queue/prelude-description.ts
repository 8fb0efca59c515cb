import { parseIdentity, type ProcessIdentity } from '@kilometers/auth';
import type { CaptureState } from '../monitor/capture.js';
import type { FieldPath } from '../monitor/redaction.js';

/** What the first record of a prelude says: all that makes events of the rest, which is what passed. */
export type PreludeDescription = {
  readonly kind: 'prelude';
  readonly profile: string | undefined;
  readonly origin: string | undefined;
  /** The process that writes it. */
  readonly owner: ProcessIdentity;
  readonly correlationId: string;
  readonly redact: readonly FieldPath[];
  /** Bytes; `undefined` for the default. */
  readonly maxPayloadBytes: number | undefined;
  /** Of what passed before it; `undefined` for one that begins with its session. */
  readonly from?: CaptureState | undefined;
};

export function parseDescription(text = 'null'): PreludeDescription | undefined {
  try {
    const value = JSON.parse(text) as PreludeDescription | null;
    const owner = parseIdentity(value?.owner);
    return value?.kind === 'prelude' && owner !== undefined ? { ...value, owner } : undefined;
  } catch {
    return undefined;
  }
}
