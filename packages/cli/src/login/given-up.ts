import { constants } from 'node:os';
import { CliError } from '../cli-error.js';

/** That a signal ended a login of which nothing is kept. */
export function givenUp(signal: NodeJS.Signals = 'SIGINT', cause?: unknown): CliError {
  return new CliError('the login was given up; nothing was stored', {
    exitCode: 128 + constants.signals[signal],
    cause,
  });
}
