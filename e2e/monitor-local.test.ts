import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, monitoring, startKm } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';
import { until } from './support/until.js';

const NOTE = '{"jsonrpc":"2.0","method":"note"}\n';

/** The sockets of the network, TCP and UDP, that a process has open. */
function networkSockets(pid: number): string[] {
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'].map((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8'),
  );
  const known = new Set(
    tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)[9])),
  );
  return readdirSync(`/proc/${pid}/fd`)
    .map((fd) => inodeOf(`/proc/${pid}/fd/${fd}`))
    .filter((inode) => inode !== undefined && known.has(inode)) as string[];
}

function inodeOf(link: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1];
  } catch {
    // It was closed meanwhile.
    return undefined;
  }
}

test('km monitor --local has no socket of the network, at any time; without it, it has', async () => {
  const api = await startApi();
  const sends = startKm(monitoring(ECHO), accountAt(api.url));
  sends.child.stdin.write(NOTE);
  await until('a connection', () => networkSockets(sends.child.pid ?? 0).length > 0);
  sends.child.stdin.end();
  await sends.ended;

  const local = startKm(monitoring(ECHO, '--local', '--verbose'), accountAt(api.url));
  const seen = new Set<string>();
  const look = () => {
    for (const socket of networkSockets(local.child.pid ?? 0)) seen.add(socket);
  };
  for (let count = 1; count <= 10; count += 1) {
    local.child.stdin.write(NOTE);
    await until('the echo and its line', () => {
      look();
      return local.stdout().length === count * NOTE.length && local.stderr().split('\n').length > count;
    });
  }
  expect([...seen]).toEqual([]);
  local.child.stdin.end();
  expect(await local.ended).toEqual({ code: 0, signal: null });
});
