import type { ServerResponse } from 'node:http';
import type { CommandContext } from '../command-context.js';
import { DashboardReader } from './read-dashboard.js';

/** How often it is looked whether something has changed, in milliseconds, while anybody watches. */
const LOOK_EVERY_MS = 1_000;
/** At every so many looks something is sent though nothing changed, so that a browser that went away is noticed. */
const SIGN_EVERY_LOOKS = 15;

/** Sends all who watch what `DashboardReader` finds, and again whenever that has changed. */
export class LiveState {
  readonly #context: CommandContext;
  readonly #reader: DashboardReader;
  readonly #watching = new Set<ServerResponse>();
  #cancel: (() => void) | undefined;
  #sent = '';
  #looks = 0;

  constructor(context: CommandContext) {
    this.#context = context;
    this.#reader = new DashboardReader(context);
  }

  /**
   * Sends it to one more browser, until that goes away.
   *
   * @see {@link https://html.spec.whatwg.org/multipage/server-sent-events.html | Server-sent events}
   */
  attach(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.write('retry: 2000\n\n');
    if (this.#sent !== '') response.write(this.#sent);
    this.#watching.add(response);
    response.once('close', () => this.#watching.delete(response));
    if (this.#cancel === undefined) void this.#look();
  }

  close(): void {
    this.#cancel?.();
    for (const response of this.#watching) response.end();
  }

  async #look(): Promise<void> {
    // Before the first wait: whoever comes meanwhile starts no second line of looks.
    this.#cancel = () => undefined;
    const message = await this.#message();
    this.#looks += 1;
    if (message !== this.#sent) this.#tellAll((this.#sent = message));
    else if (this.#looks % SIGN_EVERY_LOOKS === 0) this.#tellAll(': still here\n\n');
    this.#cancel = undefined;
    if (this.#watching.size === 0) return;
    this.#cancel = this.#context.clock.schedule(() => void this.#look(), LOOK_EVERY_MS, false);
  }

  async #message(): Promise<string> {
    try {
      return `data: ${JSON.stringify(await this.#reader.read())}\n\n`;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return `event: trouble\ndata: ${JSON.stringify(why)}\n\n`;
    }
  }

  #tellAll(message: string): void {
    for (const response of this.#watching) {
      // A browser that took nothing since the last time asks again once it goes on.
      if (response.writableNeedDrain) response.destroy();
      else response.write(message);
    }
  }
}
