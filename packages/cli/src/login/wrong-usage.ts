import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';

/** Flags that do not fit together. */
export function wrongUsage(message: string): CliError {
  return new CliError(`${message}; see km auth login --help`, { exitCode: EXIT.usage });
}
