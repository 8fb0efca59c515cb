import {
  startLocalApi,
  type LocalApiOptions,
  type RunningLocalApi,
  type StoredEvent,
} from '@kilometers/local-api';
import { onTestFinished } from 'vitest';
import { holdPort } from './hold-port.js';
import { API_KEY } from './km.js';

/** An API on a free port that knows {@link API_KEY}; it is closed after the test, and while that goes on nobody takes its port. */
export async function startApi(
  options: LocalApiOptions & { readonly port?: number } = {},
): Promise<RunningLocalApi> {
  const api = await startLocalApi({ apiKeys: [API_KEY], ...options });
  onTestFinished(() => api.close());
  const close = async (): Promise<void> => {
    await api.close();
    await holdPort(api.port);
  };
  return { ...api, close, [Symbol.asyncDispose]: close };
}

/** All that is stored, in the order it came. */
export function storedEvents(api: Pick<RunningLocalApi, 'store'>): readonly StoredEvent[] {
  return api.store.events.list({ limit: 1_000_000 });
}

/** The bytes of a stored message, as text. */
export function textOf(event: StoredEvent): string {
  return Buffer.from(event.payload).toString();
}
