import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Starts the server. `reset` forgets what was counted and sets how tokens are answered; `stats` tells. */
export async function startServer() {
  const child = fork(fileURLToPath(new URL('server.mjs', import.meta.url)));
  const [{ port }] = await once(child, 'message');
  const ask = async (message) => {
    const answer = once(child, 'message');
    child.send(message);
    const [{ tokens }] = await answer;
    return tokens;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    reset: (how) => ask({ reset: how }),
    stats: () => ask({}),
    stop: () => child.disconnect(),
  };
}
