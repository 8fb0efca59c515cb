import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../schemas/', import.meta.url));

/** As much of JSON Schema as ours use. */
type Schema = {
  readonly title?: string;
  readonly description?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
};

/** A schema that is shipped; its title is the command that prints what it describes. */
export type ShippedSchema = { readonly file: string; readonly title: string; readonly schema: Schema };

/** All of them, by command. */
export function shippedSchemas(): readonly ShippedSchema[] {
  return readdirSync(FOLDER)
    .map((file) => {
      const schema = JSON.parse(readFileSync(FOLDER + file, 'utf8')) as Schema;
      return { file, title: schema.title ?? '', schema };
    })
    .sort((one, other) => one.title.localeCompare(other.title, 'en'));
}

/** How the pattern of a time begins. */
const RFC_3339 = '^\\d{4}-';

function listOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

/** What is said of a member besides its kind. */
function said({ description, pattern = '' }: Schema): readonly string[] {
  if (description === undefined) return [];
  return [pattern.startsWith(RFC_3339) ? description.replace(/^RFC 3339[.;] /, '') : description];
}

/** What a member may be, and the members that it has itself. */
class Described {
  readonly #definitions: Readonly<Record<string, Schema>>;

  constructor({ $defs = {} }: Schema) {
    this.#definitions = $defs;
  }

  #resolve({ $ref, ...own }: Schema): Schema {
    const name = $ref?.replace('#/$defs/', '');
    return name === undefined ? own : { ...this.#resolve(this.#definitions[name] ?? {}), ...own };
  }

  #kindOf(schema: Schema): string {
    if ('const' in schema) return `always \`${JSON.stringify(schema.const)}\``;
    if (schema.enum) return listOf(schema.enum.map((value) => `\`${JSON.stringify(value)}\``));
    const types = [schema.type ?? []].flat();
    const kinds = types.map((type) => {
      if (type === 'array')
        return schema.items === undefined ? 'list' : `list of ${this.#kindOf(this.#resolve(schema.items))}s`;
      if (type === 'string' && (schema.pattern ?? '').startsWith(RFC_3339)) return 'time (RFC 3339)';
      return type === 'null' ? '`null`' : type;
    });
    return listOf(kinds);
  }

  /** One line a member, those of its members below it. */
  lines(given: Schema, indent = ''): readonly string[] {
    const schema = this.#resolve(given);
    if (schema.items) return this.lines(schema.items, indent);
    const { properties = {}, required = [], additionalProperties } = schema;
    const members = Object.entries(properties).map(([name, member]) => ({
      name: `\`${name}\`${required.includes(name) ? '' : ' (may be absent)'}`,
      member: this.#resolve(member),
    }));
    if (typeof additionalProperties === 'object')
      members.push({ name: 'any other name', member: this.#resolve(additionalProperties) });
    return members.flatMap(({ name, member }) => [
      `${indent}- ${[`${name}: ${this.#kindOf(member)}`, ...said(member)].join('. ')}`,
      ...this.lines(member, `${indent}  `),
    ]);
  }
}

const INTRODUCTION = `# What \`km\` prints as JSON

One JSON value on stdout, and nothing else there. The shapes below are JSON Schemas that come with \`km\`, in
[schemas](../packages/cli/schemas), and tests hold what is printed to them. Where a schema lets other members be, later versions
may add some; a member that is listed stays.

This page is made of the schemas: a test says when it is not current, and
\`npx vitest run packages/cli/test/schemas.test.ts -u\` makes it so.
`;

/** The page of all schemas. */
export function schemaPage(): string {
  const sections = shippedSchemas().map(({ file, title, schema }) =>
    [
      `## ${title}`,
      `${schema.description ?? ''} Schema: [${file}](../packages/cli/schemas/${file}).`,
      `${new Described(schema).lines(schema).join('\n')}\n`,
    ].join('\n\n'),
  );
  return [INTRODUCTION, ...sections].join('\n');
}
