import { formatDuration } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { canDecorate, columnsOf } from './terminal.js';

/** What takes less than this, in milliseconds, is over before anybody wonders. */
const PATIENCE_MS = 300;
const FRAME_MS = 120;
const FRAMES = ['-', '\\', '|', '/'] as const;
const ERASE_LINE = '\r\u001b[K';

/**
 * Runs `task`, and once it has taken 300 ms shows on stderr what is waited for and for how long, where that may show
 * spinners. `task` speaks through the context that it is given, so that its lines and this one do not mix.
 */
export async function whileSpinning<T>(
  what: string,
  context: CommandContext,
  task: (context: CommandContext) => Promise<T>,
): Promise<T> {
  if (!canDecorate(context.stderr(), context.environment)) return task(context);
  const { answer, clock, prompt, tell } = context;
  const startedAtMs = clock.monotonicMs();
  let frames = 0;
  const erase = (): void => {
    if (frames > 0) prompt(ERASE_LINE);
  };
  const draw = (): void => {
    const elapsed = formatDuration(clock.monotonicMs() - startedAtMs);
    const line = `${FRAMES[frames % FRAMES.length] ?? ''} ${what} (${elapsed})`;
    frames += 1;
    // Of a line that went on in the next row, only the end would be erased.
    prompt(ERASE_LINE + line.slice(0, columnsOf(context.stderr()) - 1));
    cancel = clock.schedule(draw, FRAME_MS, false);
  };
  let cancel = clock.schedule(draw, PATIENCE_MS, false);
  try {
    return await task({
      ...context,
      tell: (line) => {
        erase();
        tell(line);
      },
      prompt: (text) => {
        erase();
        prompt(text);
      },
      answer: (text) => {
        erase();
        return answer(text);
      },
    });
  } finally {
    cancel();
    erase();
  }
}
