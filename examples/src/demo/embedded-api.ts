import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startLocalApi, type ApiEvent, type RunningLocalApi } from '@kilometers/local-api';

const LOOK_MS = 50;

/** The API of the demo. Its state is in a file, so that it can be stopped and started again. */
export class EmbeddedApi {
  readonly apiKey = 'km_live_demo';
  readonly #options: { readonly folder: string; readonly tokenTtlMs: number };
  #api: RunningLocalApi;
  #refusals = 0;
  #storedEvents = 0;

  private constructor(
    options: { readonly folder: string; readonly tokenTtlMs: number },
    api: RunningLocalApi,
  ) {
    this.#options = options;
    this.#api = this.#watched(api);
  }

  static async start(options: {
    readonly folder: string;
    readonly tokenTtlMs: number;
    readonly port: number;
  }): Promise<EmbeddedApi> {
    return new EmbeddedApi(options, await startAt(options, options.port, 'km_live_demo'));
  }

  get url(): string {
    return this.#api.url;
  }

  /** How many events were stored when the API last stopped, each id once. */
  get storedEvents(): number {
    return this.#storedEvents;
  }

  /** Requests that failed for authentication: protected calls and token requests that were refused. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Waits until so many events are stored, at most `limitMs`, and not for who has given up. */
  async stored(count: number, limitMs: number, signal: AbortSignal): Promise<void> {
    const endsAtMs = performance.now() + limitMs;
    while (this.#api.store.countEvents() < count && performance.now() < endsAtMs && !signal.aborted)
      await delay(LOOK_MS);
  }

  async stop(): Promise<void> {
    this.#storedEvents = this.#api.store.countEvents();
    await this.#api.close();
  }

  /** Starts again at the same address, with what was stored. */
  async startAgain(): Promise<void> {
    this.#api = this.#watched(await startAt(this.#options, this.#api.port, this.apiKey));
  }

  #watched(api: RunningLocalApi): RunningLocalApi {
    api.on((event: ApiEvent) => {
      if (event.type === 'access.refused' || event.type === 'token.refused') this.#refusals += 1;
    });
    return api;
  }
}

function startAt(
  options: { readonly folder: string; readonly tokenTtlMs: number },
  port: number,
  apiKey: string,
): Promise<RunningLocalApi> {
  const { folder, tokenTtlMs } = options;
  return startLocalApi({ port, tokenTtlMs, apiKeys: [apiKey], database: join(folder, 'api.db') });
}
