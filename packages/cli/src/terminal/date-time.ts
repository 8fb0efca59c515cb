const DAY_MS = 86_400_000;

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** A time as people at this machine read it: `at 14:03` within half a day of `nowMs`, `on 2026-03-10 at 14:03` beyond. */
export function dateTime(atMs: number, nowMs: number): string {
  const date = new Date(atMs);
  const time = `at ${two(date.getHours())}:${two(date.getMinutes())}`;
  if (Math.abs(atMs - nowMs) < DAY_MS / 2) return time;
  return `on ${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
