import { Secret } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { readSecret } from '../read-secret.js';

const FLAGS = { 'API key': '--api-key-stdin', 'client secret': '--client-secret-stdin' } as const;

/** What a login needs, from the input of this process: typed unseen, or piped in. */
export async function askSecret(what: keyof typeof FLAGS, context: CommandContext): Promise<Secret> {
  const { clock, prompt } = context;
  return new Secret(await readSecret({ what, flag: FLAGS[what], input: context.stdin(), clock, prompt }));
}
