/** Tells a listener. One that throws, or rejects, disturbs neither who tells it nor the others. */
export function tellListener<T>(listener: (what: T) => unknown, what: T): void {
  try {
    // One may be async, whatever its type says.
    const returned = listener(what);
    if (returned instanceof Promise) returned.catch(() => undefined);
  } catch {
    // A listener's failure is the listener's.
  }
}
