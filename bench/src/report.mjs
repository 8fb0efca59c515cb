import { arch, cpus, loadavg, platform } from 'node:os';

function perCall(ms) {
  if (ms < 0.001) return `${(ms * 1e6).toFixed(0)} ns`;
  return ms < 1 ? `${(ms * 1e3).toFixed(1)} µs` : `${ms.toFixed(1)} ms`;
}

function times(ratio) {
  if (ratio >= 100) return `${ratio.toFixed(0)}x`;
  return `${ratio.toFixed(ratio < 2 ? 3 : 2)}x`;
}

function verdict(target, isMet) {
  return `${target}: ${isMet ? 'met' : 'missed'}`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What `sideBySide` measured. */
export function ratioTable({ title, note, rows }) {
  const head = ['', 'time', 'ratio', 'middle half', 'processor', 'target'];
  const cells = rows.map((row) => [
    row.name,
    perCall(row.perCallMs),
    times(row.ratio),
    `${times(row.low)} to ${times(row.high)}`,
    times(row.cpuRatio),
    row.target === undefined ? '' : verdict(`at most ${row.target}x`, row.ratio <= row.target),
  ]);
  return `## ${title}\n\n${note}.\n\n${table(head, cells)}\n`;
}

/** What 1,000 callers with an expired token did. */
export function expiredTable(rows) {
  const head = ['', 'requests', 'all done after the answer', 'worst round', 'target'];
  const cells = rows.map((row) => [
    row.name,
    String(row.requests),
    perCall(row.afterMs),
    perCall(row.worstMs),
    row.targetMs === undefined
      ? ''
      : verdict(
          `${row.targetRequests} request, ${row.targetMs} ms`,
          row.requests === row.targetRequests && row.afterMs <= row.targetMs,
        ),
  ]);
  return (
    '## 1,000 callers find the token expired\n\n' +
    `The token endpoint takes 50 ms; the time is from when it sent its first answer.\n\n${table(head, cells)}\n`
  );
}

/** Where, when and against what. */
export function heading(peers) {
  const load = loadavg().map((value) => value.toFixed(1));
  return [
    '# Speed, side by side',
    '',
    'Written by `npm run bench -- --write`. Every figure is measured in one run, in turn with the others of its table;',
    'a ratio is the median over the rounds of a time divided by the first row’s of the same round. "Processor" is the',
    'same for the processor time of this process, to which other programs add nothing. Compare ratios, not times.',
    '',
    `- ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${platform()} ${arch()}, ${cpus().length} processors`,
    `- load of the machine at the start: ${load.join(', ')} (1, 5 and 15 minutes)`,
    `- peers: ${peers.map(({ name, version }) => `${name} ${version}`).join(', ')}`,
    '',
  ].join('\n');
}
