import type { Argument, Command, Option } from 'commander';
import { CLIENTS } from '../monitor/mcp-clients.js';

/**
 * What only a look at the machine tells. Commands, flags and choices are read from the commands themselves: a new one is
 * completed by being there. Values that Commander knows nothing of are in {@link valuesOf}.
 */
export type Lookups = {
  readonly profiles: () => Promise<readonly string[]>;
  /** The scopes of a profile; of the active one, where none is named. */
  readonly scopes: (profile: string | undefined) => Promise<readonly string[]>;
};

/** Something that may stand where the cursor is. */
export type Candidate = { readonly value: string; readonly description?: string };

/** What may stand there, and whether the shell has more: the names of files, or of commands. */
export type Completion = {
  readonly candidates: readonly Candidate[];
  readonly shellHas: 'files' | 'commands' | 'nothing';
};

const NOTHING: Completion = { candidates: [], shellHas: 'nothing' };
const SIGNALS = ['HUP', 'INT', 'TERM', 'USR1', 'USR2'];
const HELPER_ACTIONS = ['get', 'store', 'erase'];

/** Where the words have led: to a command, and what is still missing there. */
type Place = {
  readonly command: Command;
  /** Options given so far, with their values. */
  readonly given: ReadonlyMap<Option, string | undefined>;
  /** An option that waits for its value. */
  readonly waiting: Option | undefined;
  readonly operands: number;
  /** The rest is another program's command line. */
  readonly isForeign: boolean;
};

/** What may stand in the place of the last of `words`, which may be empty or half a word. */
export async function completeWords(
  program: Command,
  words: readonly string[],
  lookups: Lookups,
): Promise<Completion> {
  const current = words.at(-1) ?? '';
  const place = placeAfter(program, words.slice(0, -1));
  const found = await candidatesAt(place, current, lookups);
  const typed = /^(--[^=]+=)/.exec(current)?.[1] ?? '';
  return {
    ...found,
    candidates: found.candidates
      .map((candidate) => ({ ...candidate, value: typed + candidate.value }))
      .filter(({ value }) => value.startsWith(current)),
  };
}

function optionNamed(command: Command, word: string): Option | undefined {
  const flag = word.replace(/=.*$/s, '');
  return command.options.find(({ long, short }) => flag === long || flag === short);
}

function placeAfter(program: Command, words: readonly string[]): Place {
  let command = program;
  let [operands, isForeign] = [0, false];
  let waiting: Option | undefined;
  const given = new Map<Option, string | undefined>();
  for (const word of words) {
    if (waiting !== undefined) {
      given.set(waiting, word);
      waiting = undefined;
    } else if (word === '--') {
      isForeign = true;
    } else if (isForeign) {
      operands += 1;
    } else if (word.startsWith('-')) {
      const option = optionNamed(command, word);
      if (option === undefined) continue;
      given.set(option, /=(.*)$/s.exec(word)?.[1]);
      waiting = option.required && !word.includes('=') ? option : undefined;
    } else {
      // `help` is in the place of a command, and another follows it.
      if (word === 'help' && command.commands.length > 0) continue;
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) operands += 1;
      else command = next;
      isForeign = next === undefined && takesCommand(command);
    }
  }
  return { command, given, waiting, operands, isForeign };
}

/** `km monitor` and `km auth exec`: what follows their own options is a command line. */
function takesCommand({ registeredArguments }: Command): boolean {
  return registeredArguments.some(({ variadic }) => variadic);
}

async function candidatesAt(place: Place, current: string, lookups: Lookups): Promise<Completion> {
  const { command, waiting, isForeign, operands } = place;
  if (isForeign) return { candidates: [], shellHas: operands === 0 ? 'commands' : 'files' };
  const inline = current.includes('=') ? optionNamed(command, current) : undefined;
  const option = waiting ?? inline;
  if (option !== undefined) return valuesOf(option, place, lookups);
  if (current.startsWith('-')) return { candidates: optionsAt(place), shellHas: 'nothing' };
  const subcommands = visibleCommands(command);
  if (subcommands.length > 0) return { candidates: operands === 0 ? subcommands : [], shellHas: 'nothing' };
  const argument = command.registeredArguments[Math.min(operands, command.registeredArguments.length - 1)];
  if (argument === undefined || (operands > 0 && !argument.variadic)) return NOTHING;
  if (takesCommand(command)) return { candidates: [], shellHas: 'commands' };
  return listed(await valuesOfArgument(argument, place, lookups));
}

/** The commands that `km --help` lists. */
function visibleCommands(command: Command): readonly Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ value: each.name(), description: each.description() }));
}

function optionsAt({ command, given }: Place): readonly Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => ![...given.keys()].some(({ long }) => long === option.long) || isRepeatable(option))
    .map(({ long, short, description }) => ({ value: long ?? short ?? '', description }));
}

function isRepeatable({ description }: Option): boolean {
  return description.includes('more than once');
}

function listed(values: readonly string[]): Completion {
  return { candidates: values.map((value) => ({ value })), shellHas: 'nothing' };
}

/** What may be the value of an option; most have nothing to choose from. */
async function valuesOf(option: Option, { given }: Place, lookups: Lookups): Promise<Completion> {
  if (option.argChoices !== undefined) return listed(option.argChoices);
  switch (option.attributeName()) {
    case 'profile':
      return listed(await lookups.profiles());
    case 'scope': {
      const chosen = [...given].find(([each]) => each.attributeName() === 'profile');
      return listed(await lookups.scopes(chosen?.[1]));
    }
    case 'refreshSignal':
      return listed(SIGNALS);
    case 'printConfig':
      return listed(CLIENTS);
    default:
      return option.flags.includes('<file>') ? { candidates: [], shellHas: 'files' } : NOTHING;
  }
}

async function valuesOfArgument(
  argument: Argument,
  { given }: Place,
  lookups: Lookups,
): Promise<readonly string[]> {
  if (argument.argChoices !== undefined) return argument.argChoices;
  if (argument.name() === 'profile') return lookups.profiles();
  const format = [...given].find(([option]) => option.attributeName() === 'format')?.[1];
  return argument.name() === 'action' && (format === 'git' || format === 'docker') ? HELPER_ACTIONS : [];
}
