/** Says back what it hears, byte by byte, and ends when its input ends. */
export const ECHO = `process.stdin.pipe(process.stdout);`;

/** Ends neither when its input ends nor on SIGTERM. Says its process id. */
export const STUBBORN = `
  process.on('SIGTERM', () => {});
  process.stdin.resume();
  setInterval(() => {}, 1e9);
  console.log(process.pid);
`;

/** Starts a child that would outlive it, says both process ids, and ends on any SIGTERM or end of input. */
export const PARENT = `
  const child = require('node:child_process').spawn(
    process.execPath,
    ['-e', 'setInterval(() => {}, 1e9); process.stdin.resume()'],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  console.log(process.pid + ' ' + child.pid);
  process.stdin.on('end', () => process.exit(0)).resume();
`;

/** Says its process id, then which signal it got, and ends with exit code 7. */
export const SIGNAL_TELLER = `
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => process.stdout.write(name + '\\n', () => process.exit(7)));
  }
  process.stdin.resume();
  console.log(process.pid);
`;

/** Says `LIMIT` bytes as fast as they are taken. When it is held back, says on stderr how many it has said. */
export const FLOODER = `
  const block = Buffer.alloc(64 * 1024, 'x');
  let said = 0;
  const go = () => {
    while (said < LIMIT) {
      said += block.length;
      if (process.stdout.write(block)) continue;
      process.stderr.write(said + '\\n');
      return process.stdout.once('drain', go);
    }
    process.stdout.end();
  };
  go();
`;
