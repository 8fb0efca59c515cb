import type { Readable } from 'node:stream';
import type { Clock } from '@kilometers/auth';
import { CliError } from './cli-error.js';
import { EXIT } from './exit-code.js';
import { PIPE_SILENCE, PIPE_SILENCE_MS } from './pipe-silence.js';

/** Where a secret is read from: a pipe, or a terminal. */
export type SecretInput = Readable & {
  readonly isTTY?: boolean;
  readonly setRawMode?: (isRaw: boolean) => unknown;
};

export type ReadSecretOptions = {
  /** What it is, as in "API key". */
  readonly what: string;
  /** The flag that says that standard input has it. */
  readonly flag: '--api-key-stdin' | '--client-secret-stdin';
  readonly input: SecretInput;
  readonly clock: Clock;
  /** Writes to the terminal, without a new line. */
  readonly prompt: (text: string) => void;
};

const MAX_LENGTH = 16_384;
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const ERASE = /[\b\u007f]/;
/** Ctrl-U, and Ctrl-W: a secret is one word. */
const ERASE_ALL: readonly string[] = ['\u0015', '\u0017'];

/**
 * The first line of the input, without the spaces around it. A terminal is asked, and shows nothing of
 * what is typed or pasted.
 */
export async function readSecret(options: ReadSecretOptions): Promise<string> {
  const { input, what, prompt } = options;
  const isTerminal = input.isTTY === true && input.setRawMode !== undefined;
  if (isTerminal) {
    // First, or what is typed as soon as the prompt is seen is shown.
    input.setRawMode(true);
    prompt(`Paste the ${what} (it is not shown) and press Enter: `);
  }
  try {
    return secretIn(
      await firstLine(options, isTerminal),
      what,
      `no ${what} on standard input: give it as one line`,
    );
  } finally {
    if (isTerminal) {
      input.setRawMode(false);
      prompt('\n');
    }
    input.pause();
  }
}

/**
 * The secret in `text`, without the spaces around it.
 *
 * @throws {CliError} for wrong usage: `ifNone` where there is none, and where it has characters that none has.
 */
export function secretIn(text: string, what: string, ifNone: string): string {
  const secret = text.trim();
  if (secret === '') throw wrong(ifNone);
  if (!/^[\x20-\x7e]+$/.test(secret)) throw wrong(`that is no ${what}: it has characters no ${what} has`);
  return secret;
}

function wrong(message: string): CliError {
  return new CliError(message, { exitCode: EXIT.usage });
}

function nothingCame(what: string, flag: string): string {
  return `no ${what} came on standard input within ${PIPE_SILENCE}: give it as one line, as in ${flag} < FILE`;
}

/** What a terminal that edits lines itself has after a key. */
function edited(text: string, character: string): string {
  if (ERASE.test(character)) return text.slice(0, -1);
  return ERASE_ALL.includes(character) ? '' : text + character;
}

function firstLine({ input, what, flag, clock }: ReadSecretOptions, isTerminal: boolean): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    let text = '';
    const cancel = isTerminal
      ? () => undefined
      : clock.schedule(() => finish(() => reject(wrong(nothingCame(what, flag)))), PIPE_SILENCE_MS, true);
    const onEnd = (): void => finish(() => resolve(text));
    const onError = (error: Error): void => finish(() => reject(error));
    const onData = (chunk: Buffer | string): void => {
      for (const character of chunk.toString()) {
        if (character === '\n' || character === '\r') {
          finish(() => resolve(text));
          return;
        }
        if (isTerminal && character === CTRL_C) {
          finish(() => reject(new CliError('nothing was done', { exitCode: 130 })));
          return;
        }
        if (isTerminal && character === CTRL_D) {
          onEnd();
          return;
        }
        text = isTerminal ? edited(text, character) : text + character;
      }
      if (text.length > MAX_LENGTH) finish(() => reject(wrong(`that is no ${what}: it is too long`)));
    };
    function finish(settle: () => void): void {
      cancel();
      input.off('data', onData).off('end', onEnd).off('error', onError);
      settle();
    }
    // Whoever read before has paused it.
    input.on('data', onData).on('end', onEnd).on('error', onError).resume();
  });
}
