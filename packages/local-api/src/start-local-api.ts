import { createLocalApi, type LocalApi } from './local-api.js';
import type { LocalApiOptions } from './options.js';
import type { ListenOptions, Listening } from './server.js';

/** An embedded API that listens. `close()` ends everything: sockets and database. */
export type RunningLocalApi = LocalApi & Omit<Listening, 'close'> & AsyncDisposable;

/**
 * Creates an embedded API and opens its socket.
 *
 * @throws {LocalApiError} any of its codes.
 */
export async function startLocalApi(options: LocalApiOptions & ListenOptions = {}): Promise<RunningLocalApi> {
  const { hostname, port, ...rest } = options;
  const api = createLocalApi(rest);
  try {
    const where = {
      ...(port === undefined ? {} : { port }),
      ...(hostname === undefined ? {} : { hostname }),
    };
    const listening = await api.listen(where);
    return { ...listening, ...api, [Symbol.asyncDispose]: api.close };
  } catch (error) {
    await api.close();
    throw error;
  }
}
