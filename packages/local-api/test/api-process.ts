import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import ts from 'typescript';

const PACKAGE = join(import.meta.dirname, '..');

const PROGRAM = `import { startLocalApi } from './src/index.js';
const api = await startLocalApi(JSON.parse(process.argv[2]));
process.stdout.write(api.url + '\\n');
`;

/** An API in a process of its own. */
export type ApiProcess = { readonly url: string; readonly kill: (signal: NodeJS.Signals) => Promise<void> };

/** Translates the sources into `folder`, so that a plain Node process can run them without a build. */
export function prepareProgram(folder: string): string {
  for (const name of readdirSync(join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const file = join('src', name);
    const target = join(folder, file.replace(/\.ts$/, '.js'));
    const { outputText } = ts.transpileModule(readFileSync(join(PACKAGE, file), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(PACKAGE, '../../node_modules'), join(folder, 'node_modules'));
  const program = join(folder, 'main.js');
  writeFileSync(program, PROGRAM);
  return program;
}

export async function startProcess(program: string, options: Record<string, unknown>): Promise<ApiProcess> {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [url] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(() => Promise.reject(new Error('the process ended before it listened'))),
  ])) as [string];
  return {
    url,
    kill: async (signal) => {
      child.kill(signal);
      await exited;
    },
  };
}
