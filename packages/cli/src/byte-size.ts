/*
 * Sizes as people write them, in flags and in variables alike. A kilobyte is 1,024 bytes, however it is written: who limits
 * something means what memory and disks are counted in.
 */
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes of a size such as `512KiB`, `1m`, `2 GB` or `4096`; `undefined` when `text` is none. */
export function parseBytes(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+)\s*([kmg]|)(?:i?b)?$/i.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS[unit.toLowerCase()] ?? Number.NaN);
}
