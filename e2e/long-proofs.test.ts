import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

type Step = { readonly run?: string; readonly env?: Readonly<Record<string, string>> };

const { on, jobs } = parse(readFileSync(join(ROOT, '.github/workflows/long-proofs.yml'), 'utf8')) as {
  readonly on: { readonly schedule: readonly { readonly cron: string }[] };
  readonly jobs: {
    readonly proof: {
      readonly strategy: { readonly matrix: { readonly switch: readonly string[] } };
      readonly steps: readonly Step[];
    };
  };
};

function lines(file: string, ...args: readonly string[]): readonly string[] {
  return execFileSync(file, args, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
}

/** The variables that make tests longer, each with the files that read it. */
function switches(): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, string[]>();
  for (const file of lines('git', 'ls-files', '*.test.ts')) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/process\.env\['(KM_(?:SOAK|ALL_[A-Z]+))'\]/g))
      files.set(name, [...new Set([...(files.get(name) ?? []), file])]);
  }
  return files;
}

test('once a week every proof that npm test shortens is run whole, in each file that has one', () => {
  expect(on.schedule.map(({ cron }) => cron)).toEqual([expect.stringMatching(/^\d+ \d+ \* \* [0-6]$/)]);
  const { strategy, steps } = jobs.proof;
  const files = switches();
  expect([...strategy.matrix.switch].sort()).toEqual([...files.keys()].sort());
  const { run = '', env } = steps.at(-1) ?? {};
  expect(env).toEqual({ SWITCH: '${{ matrix.switch }}' });
  for (const [name, having] of files) {
    const told = run.replace('npx vitest run', `sh -c 'printenv ${name}; printf "%s\\n" "$@"' sh`);
    const [value, ...found] = lines('env', `SWITCH=${name}`, 'bash', '-ec', told);
    expect({ name, value, found: found.sort() }).toEqual({ name, value: '1', found: [...having].sort() });
  }
});

test('CONTRIBUTING names each of them', () => {
  const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  expect(switches().size).toBeGreaterThan(2);
  for (const name of switches().keys()) expect(text).toContain(`\`${name}=1\``);
});
