import { expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { environment, start } from './support/km.js';
import { until } from './support/until.js';

const FOLDERS = 400;

/** Makes the same folders as its siblings, from the same moment on, each with folders above it that are not there. */
const MAKER = `
import { makePrivateFolder } from '@kilometers/auth';
process.stdout.write('ready');
await new Promise((resolve) => process.stdin.once('end', resolve).resume());
for (let each = 0; each < ${String(FOLDERS)}; each += 1)
  await makePrivateFolder(process.env.ROOT + '/' + each + '/a/b/c');
`;

test('processes that make the same folders at the same moment do not disturb each other', async () => {
  const env = environment({ ROOT: temporaryFolder() });
  const runs = Array.from({ length: 4 }, () =>
    start(process.execPath, ['--input-type=module', '-e', MAKER], env),
  );
  for (const run of runs) await until('it is at the gate', () => run.stdout().length > 0);
  for (const { child } of runs) child.stdin.end();

  for (const run of runs) {
    await run.ended;
    expect(run.stderr()).toBe('');
  }
});
