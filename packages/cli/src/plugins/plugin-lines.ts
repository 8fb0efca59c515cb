import { printable } from '../terminal/printable.js';
import type { PluginEntry } from './plugin-manifest.js';

/** Name, version, tier and size: a line a plugin where these fit into `width`, otherwise two. */
export function pluginLines(plugins: readonly PluginEntry[], width: number): readonly string[] {
  const rows = plugins.map(({ name, version, tier, size }) => [
    printable(name) ?? '?',
    printable(version) ?? '?',
    printable(tier) ?? '',
    size === null ? '' : sizeOf(size),
  ]);
  const lines = inColumns(rows);
  if (lines.every((line) => line.length <= width)) return lines;
  const facts = inColumns(rows.map(([, ...others]) => others));
  return rows.flatMap(([name = ''], index) => [name, `  ${facts[index] ?? ''}`]);
}

function inColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widthAt = (column: number): number => Math.max(...rows.map((row) => (row[column] ?? '').length));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widthAt(column)))
      .join('  ')
      .trimEnd(),
  );
}

function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}
