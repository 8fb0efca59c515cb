/**
 * How long a pipe is waited for that a flag named as input, in milliseconds. What a program has to say is there by then;
 * after a longer silence nobody has anything to say. Without such a flag nothing reads standard input but on a terminal.
 */
export const PIPE_SILENCE_MS = 30_000;

/** The same, in words. */
export const PIPE_SILENCE = `${String(PIPE_SILENCE_MS / 1_000)} s`;
