import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { answerOnPage } from './support/device-page.js';
import { API_KEY, environment, start } from './support/km.js';
import { codeBlocks, PAGES } from './support/markdown.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** What a piece of a program takes for given, by the name that it uses. */
const GIVEN: Readonly<Record<string, string>> = {
  manager: `const manager = auth.createAuthManager(auth.authConfigFromEnvironment(process.env));`,
  token: `const token = await manager.getValidToken('monitoring');`,
  cache: `const cache = auth.createMemoryCache();`,
  askForLogin: `const askForLogin = (message) => console.log(message);`,
  tryAgainLater: `const tryAgainLater = () => console.log('later');`,
  alert: `const alert = (message) => console.log(message);`,
};
const PARTS = Object.keys(GIVEN);

type Program = { readonly page: string; readonly number: number; readonly text: string };

/** The API reference shows declarations, made from the source that the compiler reads. */
const PAGES_WITH_PROGRAMS = PAGES.filter((page) => !page.startsWith('docs/api/'));

const PROGRAMS: readonly Program[] = PAGES_WITH_PROGRAMS.flatMap((page) =>
  codeBlocks(page, 'ts').map(({ text }, index) => ({ page, number: index + 1, text: completed(text) })),
);

function withoutComments(program: string): string {
  return program.replaceAll(/(^|\s)\/\/.*$/gm, '');
}

/** The piece, after what it takes for given. */
function completed(piece: string): string {
  let program = piece;
  let given = '';
  // From the last to the first: what is given may need what stands before it.
  for (const name of PARTS.toReversed()) {
    const isUsed = new RegExp(`(?<![.'])\\b${name}\\b`).test(withoutComments(given + program));
    const isMade = new RegExp(`(const|let) (${name}\\b|\\{[^}]*\\b${name}\\b)`).test(program);
    if (isUsed && !isMade) given = `${GIVEN[name] ?? ''}\n${given}`;
  }
  program = `${given}${program}`;
  return given === '' ? program : `import * as auth from '@kilometers/auth';\n${program}`;
}

/** What the compiler says of programs that lie in this folder, with the settings of an ordinary strict project. */
function flawsOf(programs: readonly Program[]): readonly string[] {
  const texts = new Map(
    programs.map(({ page, number, text }) => [
      join(HERE, `${page.replaceAll(/[^a-z]/gi, '-')}-${number}.ts`),
      text,
    ]),
  );
  const settings: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    // The pieces that stand before are not typed: they stand for what a reader has.
    noImplicitAny: false,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    types: ['node'],
  };
  const onDisk = ts.createCompilerHost(settings);
  const host: ts.CompilerHost = {
    ...onDisk,
    fileExists: (path) => texts.has(path) || onDisk.fileExists(path),
    readFile: (path) => texts.get(path) ?? onDisk.readFile(path),
    getSourceFile: (path, target) => {
      const text = texts.get(path);
      return text === undefined
        ? onDisk.getSourceFile(path, target)
        : ts.createSourceFile(path, text, target);
    },
  };
  const program = ts.createProgram([...texts.keys()], settings, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
}

/** JavaScript that talks to the API at `url`, where a page has the hosted one. */
function runnable(text: string, url: string): string {
  const here = text
    .replaceAll('https://api.kilometers.ai', url)
    .replaceAll(
      /(createAuthManager|createEntitlementVerifier)\(\{(?![^}]*(apiEndpoint|provider))/g,
      `$1({ apiEndpoint: '${url}',`,
    );
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(here, { compilerOptions }).outputText;
}

test('the programs of all pages have the types that they say', () => {
  expect(flawsOf(PROGRAMS)).toEqual([]);
}, 180_000);

/** Needs a Redis, or a person at an issuer: what it calls is run against real ones in tests of its own. */
const NEEDS_OTHERS = /createRedisCache|startBrowserLogin/;
const RUNNABLE = PROGRAMS.filter(({ text }) => !NEEDS_OTHERS.test(text));

describe.each(RUNNABLE)('program $number of $page', ({ text }) => {
  test('runs to its end', async () => {
    const api = await startApi({ apiKeys: [API_KEY, 'km_pro_demo'] });
    // A fleet's cache is made, and not asked.
    const fleet = { KM_CACHE_URL: 'redis://127.0.0.1:1', KM_CACHE_KEY: Buffer.alloc(32).toString('base64') };
    const account = { KILOMETERS_API_ENDPOINT: api.url, KILOMETERS_API_KEY: API_KEY, ...fleet };
    const program = ['--input-type=module', '-e', runnable(text, api.url)];
    const run = start(process.execPath, program, environment(account));
    run.child.stdin.end();
    const approved = new Set<string>();
    run.child.stdout.on('data', () => {
      const code = /enter ([A-Z0-9]+-[A-Z0-9]+)/.exec(run.stdout().toString())?.[1] ?? '';
      if (code === '' || approved.has(code)) return;
      approved.add(code);
      void answerOnPage(api, code, 'approve');
    });
    const ended = await run.ended;
    expect(ended, run.stderr().slice(-2000)).toEqual({ code: 0, signal: null });
  });
});
