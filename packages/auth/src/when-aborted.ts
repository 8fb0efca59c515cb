/** What each signal that is listened to has to call. */
const callbacksOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` when `signal` is aborted, at once where it is already; returns what cancels that. However many wait
 * for it, a signal has one listener: Node takes more than ten for a leak, and says so on stderr.
 */
export function whenAborted(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => undefined;
  }
  const known = callbacksOf.get(signal);
  const callbacks = known ?? new Set();
  // Bound, so that the same function given twice is called twice and cancelled once.
  const entry = callback.bind(undefined);
  callbacks.add(entry);
  if (known === undefined) {
    callbacksOf.set(signal, callbacks);
    signal.addEventListener('abort', callAll, { once: true });
  }
  return () => {
    if (!callbacks.delete(entry) || callbacks.size > 0 || callbacksOf.get(signal) !== callbacks) return;
    // A signal that lives as long as its program keeps nothing of the waits that are over.
    signal.removeEventListener('abort', callAll);
    callbacksOf.delete(signal);
  };
}

function callAll({ target }: Event): void {
  const signal = target as AbortSignal;
  const callbacks = [...(callbacksOf.get(signal) ?? [])];
  callbacksOf.delete(signal);
  for (const callback of callbacks) callback();
}
