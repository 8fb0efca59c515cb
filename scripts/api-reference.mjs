// Writes docs/api, the reference of what the libraries export, from the comments in their sources; fails when an export
// has none, or one links to nothing. Usage: node scripts/api-reference.mjs [--check]. --check writes nothing and fails
// when the pages do not say what the sources do.
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Application, Comment, ReflectionKind } from 'typedoc';

const ROOT = path.resolve(import.meta.dirname, '..');
const PAGES = path.join(ROOT, 'docs/api');
const LIBRARIES = ['auth', 'local-api'];

/** In this order on a page: what is called first, and then what it takes and gives. */
const GROUPS = ['Functions', 'Classes', 'Interfaces', 'Type Aliases', 'Variables'];

const DOCUMENTED = ['Class', 'Interface', 'Function', 'TypeAlias', 'Variable', 'Method', 'Accessor'];

const LOOKS = {
  outputFileStrategy: 'modules',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  groupOrder: GROUPS,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  propertyMembersFormat: 'table',
};

async function read(library) {
  const app = await Application.bootstrapWithPlugins({
    entryPoints: [path.join(ROOT, 'packages', library, 'src/index.ts')],
    tsconfig: path.join(ROOT, 'packages', library, 'tsconfig.json'),
    plugin: ['typedoc-plugin-markdown'],
    logLevel: 'Warn',
    name: `@kilometers/${library}`,
    readme: 'none',
    // Line numbers would change the pages with every change of the sources.
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeInternal: true,
    requiredToBeDocumented: DOCUMENTED,
    packagesRequiringDocumentation: [`@kilometers/${library}`],
    // Of the library that it is made with.
    intentionallyNotExported: library === 'local-api' ? ['ApiEnv'] : [],
    validation: { notExported: true, invalidLink: true, notDocumented: true },
    ...LOOKS,
  });
  const project = await app.convert();
  if (project) app.validate(project);
  if (!project || app.logger.hasErrors() || app.logger.hasWarnings())
    throw new Error(`The comments of @kilometers/${library} need work: see above.`);
  return { app, project };
}

/** What a comment says first: up to the end of its first sentence. */
function sentenceOf(reflection) {
  const comment = reflection.comment ?? reflection.signatures?.[0]?.comment;
  const text = Comment.combineDisplayParts(comment?.summary).replaceAll(/\{@link (\S+)\}/g, '`$1`');
  const [sentence] = text.replaceAll(/\s+/g, ' ').split(/(?<=\.)\s/);
  return sentence.replaceAll('|', '\\|');
}

/** All names of a library at a glance, each with a link to its heading. */
function overviewOf(project) {
  const sections = project.groups
    .toSorted((a, b) => GROUPS.indexOf(a.title) - GROUPS.indexOf(b.title))
    .map(({ children }) => {
      const rows = children.map((child) => {
        const call = child.kindOf(ReflectionKind.Function) ? '()' : '';
        return `| [\`${child.name}${call}\`](#${child.name.toLowerCase()}) | ${sentenceOf(child)} |`;
      });
      return rows.join('\n');
    });
  return ['| name | what it is |', '| --- | --- |', ...sections].join('\n');
}

async function pageOf(library, folder) {
  const { app, project } = await read(library);
  const out = path.join(folder, library);
  await app.outputs.writeOutput({ name: 'markdown', path: out }, project);
  const body = await readFile(path.join(out, 'README.md'), 'utf8');
  // What a function takes apart where it takes it has no name of its own.
  const details = body
    .replace(/^# .*\n+/, '')
    .replaceAll('__namedParameters', 'options')
    .trim();
  return [
    `# API of \`@kilometers/${library}\``,
    `<!-- Written by \`npm run docs\` from the comments in packages/${library}/src. -->`,
    overviewOf(project),
    `${details}\n`,
  ].join('\n\n');
}

async function main(isCheck) {
  const folder = await mkdtemp(path.join(tmpdir(), 'km-api-'));
  try {
    for (const library of LIBRARIES) {
      const file = path.join(PAGES, `${library}.md`);
      const page = await pageOf(library, folder);
      if (isCheck) {
        const old = await readFile(file, 'utf8').catch(() => '');
        if (old !== page) throw new Error(`docs/api/${library}.md is not what the sources say: npm run docs`);
      } else {
        await mkdir(PAGES, { recursive: true });
        await writeFile(file, page);
      }
      console.log(`docs/api/${library}.md: ${page.split('\n').length} lines`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

try {
  await main(process.argv.includes('--check'));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
