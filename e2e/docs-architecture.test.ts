import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const AUTH = 'packages/auth/src';

/** Rules that say nothing about who may import whom: a tree in which all import all breaks them. */
const OF_THE_WHOLE = ['no-cycles', 'no-orphans'];

type Arrow = { readonly from: string; readonly to: string; readonly label: string | undefined };

const PAGE = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const [, picture = ''] = /```mermaid\n([\s\S]*?)```/.exec(PAGE) ?? [];

/** Nodes by their ids, with the files that their labels name. */
const NODES = new Map(
  [...picture.matchAll(/^ +(\w+)\["([^"]+)"\]$/gm)].map(([, id = '', label = '']) => [id, filesOf(label)]),
);

const ARROWS: readonly Arrow[] = picture.split('\n').flatMap((line) => {
  const steps = line.trim().split(/ (?:-->|-\. "[^"]+" \.->) /);
  const [, label] = /-\. "([^"]+)" \.->/.exec(line) ?? [];
  return steps
    .slice(1)
    .flatMap((targets, index) =>
      (steps[index] ?? '')
        .split(' & ')
        .flatMap((from) => targets.split(' & ').map((to) => ({ from, to, label }))),
    );
});

/** Files of a package or of the library that a label names; of a folder some. */
function filesOf(label: string): readonly string[] {
  const words = label.split(/<[^>]+>|[ ·…]+/).filter((word) => word !== '');
  return words.flatMap((word) => {
    if (/^(packages\/.+|examples)$/.test(word)) return [...someUnder(`${word}/src`)];
    if (word.endsWith('/')) return someUnder(`${AUTH}/${word.slice(0, -1)}`);
    const file = `${AUTH}/${word}.ts`;
    return existsSync(join(ROOT, file)) ? [file] : [];
  });
}

function someUnder(folder: string): readonly string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts')).sort();
  const known = files.filter((name) => /^(index|program|commands.dev)[.]ts$/.test(name));
  return [...new Set([...known, ...files.slice(0, 2)])].map((name) => join(folder, name));
}

/** What the rules let import what, as pairs of paths: a tree of these files is checked in which each imports all others. */
function allowedAmong(files: readonly string[], importing: (path: string) => string): ReadonlySet<string> {
  const folder = mkdtempSync(join(tmpdir(), 'km-architecture-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'tsconfig.base.json'), '{}');
  for (const file of files) {
    const others = files.filter((other) => other !== file);
    const lines = others.map((other) => importing(`./${relative(dirname(file), other)}`));
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), lines.join('\n'));
  }
  const config = join(ROOT, '.dependency-cruiser.cjs');
  const cruised = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
      'packages',
      'examples',
      '--config',
      config,
      '--output-type',
      'json',
    ],
    { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  const { modules, summary } = JSON.parse(cruised.stdout) as {
    readonly modules: readonly {
      readonly source: string;
      readonly dependencies: readonly { readonly resolved: string }[];
    }[];
    readonly summary: {
      readonly violations: readonly {
        readonly from: string;
        readonly to: string;
        readonly rule: { readonly name: string };
      }[];
    };
  };
  const imports = new Set(
    modules.flatMap(({ source, dependencies }) =>
      dependencies.map(({ resolved }) => `${source} > ${resolved}`),
    ),
  );
  expect(imports.size, cruised.stderr).toBe(files.length * (files.length - 1));
  for (const { from, to, rule } of summary.violations)
    if (!OF_THE_WHOLE.includes(rule.name)) imports.delete(`${from} > ${to}`);
  return imports;
}
/** The node that a file stands for. */
function nodeOf(file: string): string {
  return [...NODES].find(([, files]) => files.includes(file))?.[0] ?? '';
}

/** What the picture lets import what: along its arrows; inside the library as far as they lead, from outside to `index.ts`. */
function isDrawn(from: string, to: string, arrows: readonly Arrow[]): boolean {
  const [own, other] = [nodeOf(from), nodeOf(to)];
  if (own === other) return true;
  const isInside = from.startsWith(AUTH) && to.startsWith(AUTH);
  if (!isInside && !to.endsWith('/src/index.ts')) return false;
  const reached = new Set([own]);
  for (const node of reached) {
    for (const arrow of arrows) if (arrow.from === node && (isInside || node === own)) reached.add(arrow.to);
  }
  return reached.has(other);
}

const FILES = [...new Set([...NODES.values()].flat())];

function pairs(isIn: (from: string, to: string) => boolean): readonly string[] {
  return FILES.flatMap((from) =>
    FILES.filter((to) => to !== from && isIn(from, to)).map((to) => `${from} > ${to}`),
  ).sort();
}

/** Each pair is one for the rules to judge. */
const LONG = { timeout: 180_000 };

test('the picture of the architecture has an arrow for whatever may import what, and no other', LONG, () => {
  const allowed = allowedAmong(FILES, (path) => `import '${path}';`);
  const solid = ARROWS.filter(({ label }) => label === undefined);
  expect(pairs((from, to) => allowed.has(`${from} > ${to}`))).toEqual(
    pairs((from, to) => isDrawn(from, to, solid)),
  );
});

test('what may be loaded late only has a dotted arrow, which says by which command', LONG, () => {
  const allowed = allowedAmong(FILES, (path) => `await import('${path}');`);
  const isLate = (from: string, to: string): boolean =>
    ARROWS.filter(({ label }) => label !== undefined).some((arrow) => {
      const [, command = ''] = /^km (\w+) only, loaded late$/.exec(arrow.label ?? '') ?? [];
      return from.endsWith(`/commands/${command}.ts`) && isDrawn(from, to, [arrow]);
    });
  const solid = ARROWS.filter(({ label }) => label === undefined);
  expect(pairs((from, to) => allowed.has(`${from} > ${to}`))).toEqual(
    pairs((from, to) => isDrawn(from, to, solid) || isLate(from, to)),
  );
});

const [, table = ''] = /^\| question [^\n]*\n\| -[^\n]*\n((?:\|[^\n]*\n)*)/m.exec(PAGE) ?? [];
const QUESTIONS = [...table.matchAll(/^\| ([^|]+?) +\| ([^|]+?) +\|$/gm)].map(
  ([, question = '', answer = '']) => ({ question, answer }),
);

/** The files that an answer names: by their path, from the library's `src`, or as neighbours of the one before. */
function filesNamedBy(words: readonly string[]): readonly string[] {
  let folder = AUTH;
  return words
    .filter((word) => word.endsWith('.ts'))
    .map((word) => {
      if (/^(packages|examples)\//.test(word)) {
        folder = dirname(word);
        return word;
      }
      return existsSync(join(ROOT, folder, word)) ? join(folder, word) : join(AUTH, word);
    });
}

/** Whether a file declares `name`: a function, a value, a type, or a method. */
function declares(text: string, name: string): boolean {
  return new RegExp(
    `^ *(export )?(async )?((function|const|class|interface|type) ${name}\\b|${name}(<.*>)?\\()`,
    'm',
  ).test(text);
}

test('the page answers questions', () => {
  expect(QUESTIONS.length).toBeGreaterThan(20);
});

test.each(QUESTIONS)('$question: the files of the answer are there, with what it names', ({ answer }) => {
  const words = [...answer.matchAll(/`([^` ]+)`/g)].map(([, word = '']) => word);
  const files = filesNamedBy(words);
  expect(files).not.toEqual([]);
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  const texts = files.map((file) => readFileSync(join(ROOT, file), 'utf8'));
  const names = words.filter((word) => !/[./]/.test(word) && word !== 'km');
  expect(names.filter((name) => !texts.some((text) => declares(text, name)))).toEqual([]);
  const folders = words.filter((word) => /^packages[^.]+$/.test(word));
  expect(folders.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
});
