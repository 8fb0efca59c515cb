import { setFlagsFromString } from 'node:v8';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread that makes machine code of its hot functions itself. Otherwise V8 does that on up to four threads beside
 * it, and all of them together take the processors from the client and the server.
 */
export function startLoneWorker(file: string, options: WorkerOptions): Worker {
  // Read once for each thread, as it starts.
  setFlagsFromString('--no-concurrent-recompilation');
  // It closes a descriptor that this thread opened: Node would warn the user of that.
  const worker = new Worker(file, { trackUnmanagedFds: false, ...options });
  const restore = () => setFlagsFromString('--concurrent-recompilation');
  worker.once('online', restore);
  worker.once('exit', restore);
  return worker;
}
