import { expect, test } from 'vitest';
import { commandEntry, commandTree } from '../src/reference/command-tree.js';
import { programOfTests } from './support/help-pages.js';
import { schemaPage, shippedSchemas } from './support/schema-page.js';

const COMMANDS = commandTree(programOfTests()).map(commandEntry);

test('docs/json.md is what the schemas say', async () => {
  await expect(schemaPage()).toMatchFileSnapshot('../../../docs/json.md');
});

test('every command with --json has a schema', () => {
  const commands = COMMANDS.filter(({ options }) =>
    options.some(({ term }) => term.split(/[ ,]+/).includes('--json')),
  );
  const titles = shippedSchemas().map(({ title }) => title);
  expect(commands.length).toBeGreaterThan(0);
  expect(titles).toEqual(expect.arrayContaining(commands.map(({ name }) => `${name} --json`)));
});

test('every schema is of a command that there is, with a flag that it has', () => {
  for (const { title } of shippedSchemas()) {
    const [, name, flag = ''] = /^(km [a-z ]+) (--[a-z]+)/.exec(title) ?? [];
    const command = COMMANDS.find((one) => one.name === name);
    expect(command?.options.map(({ term }) => term).join(' '), title).toContain(flag);
  }
});

test('every schema says what it is of, and every member whether it is always there', () => {
  for (const { title, schema } of shippedSchemas()) {
    expect(schema.description, title).toMatch(/\.$/);
    const { properties = {}, required = [] } = schema;
    expect(Object.keys(properties), title).toEqual(expect.arrayContaining([...required]));
  }
});
