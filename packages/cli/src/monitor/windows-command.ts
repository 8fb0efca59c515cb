import { statSync } from 'node:fs';
import { win32 } from 'node:path';
import { CliError } from '../cli-error.js';

/** How a command is started. */
export type StartableCommand = {
  readonly file: string;
  readonly args: readonly string[];
  /** Whether the arguments are on the command line as they are. */
  readonly isVerbatim: boolean;
};

const EXTENSIONS = '.COM;.EXE;.BAT;.CMD';
const BATCH_FILE = /\.(?:bat|cmd)$/i;
/** What of a command line is no sign of anything, to nobody who reads it. */
const PLAIN = /^[A-Za-z0-9#$*+./:?@\\_-]+$/;

/**
 * How Windows starts a command that a shell would find: `npx` is a batch file there, and only `cmd.exe` runs those.
 *
 * @throws {CliError} with exit code 126 when an argument cannot be given to a batch file.
 */
export function windowsCommand(
  [file, ...args]: readonly [string, ...string[]],
  {
    environment,
    isFile = isFileHere,
  }: { readonly environment: NodeJS.ProcessEnv; readonly isFile?: (path: string) => boolean },
): StartableCommand {
  const found = find(file, environment, isFile);
  // Node refuses to look for a batch file; for a program it looks, and says that it is not there.
  if (found === undefined)
    return { file: BATCH_FILE.test(file) ? `${file}.exe` : file, args, isVerbatim: false };
  if (!BATCH_FILE.test(found)) return { file: found, args, isVerbatim: false };
  const line = [`"${escaped(win32.normalize(found))}"`, ...args.map(batchArgument)].join(' ');
  return {
    file: systemProgram('cmd.exe', environment),
    // Names of variables are expanded, ! is not, no program of the registry is run first, and of the quotes the outer go.
    args: ['/e:on', '/v:off', '/d', '/s', '/c', `"${line}"`],
    isVerbatim: true,
  };
}

/** Where a program of Windows is: one of that name elsewhere is another. */
export function systemProgram(name: string, environment: NodeJS.ProcessEnv): string {
  return win32.join(variable(environment, 'SystemRoot') ?? 'C:\\Windows', 'System32', name);
}

/** As a shell does, but not in the folder it is in: what lies there need not be meant. */
function find(
  file: string,
  environment: NodeJS.ProcessEnv,
  isFile: (path: string) => boolean,
): string | undefined {
  const known = (variable(environment, 'PATHEXT') ?? EXTENSIONS).split(';');
  const extensions = known.filter((extension) => EXTENSIONS.split(';').includes(extension.toUpperCase()));
  const names = [...(win32.extname(file) === '' ? [] : [file]), ...extensions.map((each) => file + each)];
  const folders = /[\\/:]/.test(file) ? ['.'] : (variable(environment, 'Path') ?? '').split(';');
  return folders
    .filter((folder) => folder !== '')
    .flatMap((folder) => names.map((name) => (folder === '.' ? name : win32.join(folder, name))))
    .find(isFile);
}

/**
 * An argument that a batch file, and the program it hands it on to, read as it was: in quotes, so that no sign in it means
 * anything to `cmd.exe`, and with nothing in it that is expanded.
 *
 * @see {@link https://nvd.nist.gov/vuln/detail/CVE-2024-24576 | CVE-2024-24576}, and how Rust's standard library mends it
 */
function batchArgument(argument: string): string {
  if (/[\r\n\0]/.test(argument)) {
    throw new CliError(
      'cannot start the server: it is a batch file, and an argument with a line end in it cannot be given to one; start the program that it starts',
      { exitCode: 126 },
    );
  }
  if (PLAIN.test(argument) && !argument.endsWith('\\')) return argument;
  return `"${escaped(argument)}"`;
}

function escaped(text: string): string {
  return (
    text
      .replaceAll(/(\\*)"/g, '$1$1""')
      .replace(/\\+$/, '$&$&')
      // A sign, and a variable that expands to nothing: with the sign alone a name would be expanded.
      .replaceAll('%', '%%cd:~,%')
  );
}

/** Names of variables have no case there; a copy of the environment has. */
function variable(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  const [, value] =
    Object.entries(environment).find(([each]) => each.toLowerCase() === name.toLowerCase()) ?? [];
  return value;
}

function isFileHere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
