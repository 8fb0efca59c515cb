const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `1 h 12 min`: the two largest units that there are. */
export function durationWords(ms: number): string {
  const parts: string[] = [];
  let left = Math.max(0, ms);
  for (const [unitMs, name] of UNITS) {
    const count = Math.floor(left / unitMs);
    left -= count * unitMs;
    if (count > 0 || (parts.length === 0 && name === 's')) parts.push(`${String(count)} ${name}`);
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
  }
  return parts.join(' ');
}

/** A moment, as how far it is from now. */
export function Moment({ at, nowMs }: { readonly at: string | number; readonly nowMs: number }) {
  const date = new Date(at);
  const distanceMs = date.getTime() - nowMs;
  const words = durationWords(Math.abs(distanceMs));
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {distanceMs >= 0 ? `in ${words}` : `${words} ago`}
    </time>
  );
}
