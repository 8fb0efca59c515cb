import type { Command } from 'commander';
import { createProgram } from '../../src/program.js';
import { commandEntry, commandTree } from '../../src/reference/command-tree.js';
import { contextWith } from './context.js';

/** The commands of `km`, as its help has them. */
export function programOfTests(): Command {
  return createProgram(contextWith({}), () => undefined);
}

/** What `--help` prints for a command, 80 columns wide. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ getOutHelpWidth: () => 80, writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

const INTRODUCTION = `# The command line

What \`--help\` prints, of every command. This page is made of it: a test says when it is not current, and
\`npx vitest run packages/cli/test/reference.test.ts -u\` makes it so.

What scripts may rely on besides: the [exit codes](../packages/cli/README.md#exit-codes), and for \`--json\` the
[schemas](json.md).
`;

/** The page of all helps. */
export function helpPages(): string {
  const pages = commandTree(programOfTests()).map((command) => {
    const { name } = commandEntry(command);
    return `## ${name}\n\n\`\`\`text\n$ ${name} --help\n${helpOf(command).trimEnd()}\n\`\`\`\n`;
  });
  return [INTRODUCTION, ...pages].join('\n');
}
