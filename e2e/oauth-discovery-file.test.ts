import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, kilometersFolder, logInByWeb, WEB } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';

test('what others could have written of an issuer is not used, which is said, and the issuer is asked anew', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const { env } = await logInByWeb([...at(server), ...WEB]);
  expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
  const path = join(kilometersFolder(env), '.discovery');
  // To a port at which nobody listens.
  const changed = readFileSync(path, 'utf8').replaceAll(`${server.issuer}/token`, 'http://127.0.0.1:9/token');
  expect(changed).toContain('127.0.0.1:9');
  writeFileSync(path, changed);
  chmodSync(path, 0o666);
  const doctor = await runKm(['doctor'], { env });
  expect(doctor.stdout.replace(/\s+/g, ' ')).toContain(`other users can get at ${path} (mode 666)`);

  const refresh = await runKm(['auth', 'refresh'], { env });
  expect(refresh.code).toBe(0);
  expect(refresh.stderr).toContain(
    `km: ${path} could be got at by other users (mode 666): it is not used, and was removed\n`,
  );
  expect(server.refreshes()).toBe(2);
  expect(readFileSync(path, 'utf8')).not.toContain('127.0.0.1:9');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('km doctor --fix removes it, and does not make it look like one that can be trusted', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const { env } = await logInByWeb([...at(server), ...WEB]);
  expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
  const path = join(kilometersFolder(env), '.discovery');
  chmodSync(path, 0o666);
  const doctor = await runKm(['doctor', '--fix'], { env });
  expect(doctor.stdout.replace(/\s+/g, ' ')).toContain(
    `${path} had mode 666, and was removed: others could have changed it`,
  );
});
