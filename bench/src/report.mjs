import { arch, cpus, loadavg, platform } from 'node:os';

function perCall(ms) {
  // A difference is below zero by chance, at times.
  if (ms < 0) return `-${perCall(-ms)}`;
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

/** What a login that processes share costs. */
export function sharedLoginTables({ processes, sizes, expiry }) {
  const added = processes.map(({ name, ms, addedMs, hitMs, addedCpuMs }, row) => [
    name,
    perCall(ms),
    row === 0 ? '' : perCall(addedMs),
    row === 0 ? '' : perCall(addedCpuMs),
    row === 0 ? '' : perCall(hitMs),
    row === 1 ? verdict('adds at most 5 ms', addedMs <= 5) : '',
  ]);
  const all = `${expiry.processes} processes`;
  const sharing = (name, { ms, ratio, requests, served }) => [
    `${all} ${name}`,
    perCall(ms),
    times(ratio),
    String(requests),
    String(served),
    verdict(
      `1 request, ${expiry.processes} served, at most 1.5x`,
      requests === 1 && served === expiry.processes && ratio <= 1.5,
    ),
  ];
  const together = [
    [`${all}, \`node -e 0\``, perCall(expiry.plain.ms), times(1), '', '', ''],
    sharing('that are `km auth token`', expiry.km),
    [`${all} that load the library only`, perCall(expiry.loaded.ms), times(expiry.loaded.ratio), '', '', ''],
    sharing('that get a token by the library', expiry.library),
  ];
  const large = [
    ['one profile, one scope', perCall(sizes.oneMs), times(1), ''],
    [
      '200 profiles with 5 scopes each',
      perCall(sizes.manyMs),
      times(sizes.ratio),
      verdict('at most 2x', sizes.ratio <= 2),
    ],
  ];
  return [
    '## A new process finds its token in the file cache\n\n' +
      'From the start of a process to its end. "Added" is the median over the rounds of the difference to the first row ' +
      'of the same round; the hit itself is timed inside the process.\n\n' +
      `${table(['', 'process', 'added', 'added processor', 'the hit itself', 'target'], added)}\n`,
    '## A large cache\n\n' +
      `Reading one login, in a process that did so before.\n\n${table(['', 'time', 'ratio', 'target'], large)}\n`,
    `## ${all} share one expired login\n\n` +
      'Its refresh token is single-use, and the server takes each once. All start together; the time is until the last ' +
      `one has ended, the median of ${expiry.rounds} rounds.\n\n` +
      `${table(['', 'time', 'ratio', 'requests', 'served', 'target'], together)}\n\n` +
      `Those that get a token by the library take ${times(expiry.overLoaded)} the time of those that load it only.\n`,
  ];
}

/** What it costs to start `km`. */
export function cliTable(rows) {
  const head = ['', 'time', 'ratio', 'middle half', 'target'];
  const cells = rows.map((row) => [
    row.name,
    perCall(row.ms),
    times(row.ratio),
    `${times(row.low)} to ${times(row.high)}`,
    row.target === undefined ? '' : verdict(`at most ${row.target}x`, row.ratio <= row.target),
  ]);
  return (
    '## Starting km\n\n' +
    'Whole processes, from the start to the end, over `node -e 0` of the same round. Nothing that reads an encrypted ' +
    `token with Node does with less than the second row.\n\n${table(head, cells)}\n`
  );
}

/** What standing between a client and its server costs. */
export function monitorTables({ rows, rounds, roundTrips, long }) {
  const cell = ({ ratio, low, high }) => `${times(ratio)} (${times(low)} to ${times(high)})`;
  const columns = {
    p50: 'p50',
    p99: 'p99',
    kilobytes: '1 KB messages',
    megabytes: '1 MB messages',
    start: 'first answer',
  };
  const measured = rows.map((row) => [
    row.name,
    perCall(row.p50Ms),
    perCall(row.p99Ms),
    ...Object.keys(columns).map((column) => cell(row[column])),
  ]);
  const isThroughput = (column) => column === 'kilobytes' || column === 'megabytes';
  const verdicts = rows.flatMap(({ name, targets = {}, ...row }) =>
    Object.entries(targets).map(([column, target]) => {
      const { ratio } = row[column];
      const isMet = isThroughput(column) ? ratio >= target : ratio <= target;
      return `- ${name}, ${columns[column]}: ${verdict(`at ${isThroughput(column) ? 'least' : 'most'} ${target}x`, isMet)}`;
    }),
  );
  const head = ['', 'p50', 'p99', ...Object.values(columns)];
  const withoutPause = long.rows.map(({ name, p99 }) => `${cell(p99)} for ${name}`).join(', ');
  return [
    '## Between an MCP client and its server\n\n' +
      `One message at a time, ${roundTrips} round trips a round after two seconds of quiet, then as many as are taken; medians of ${rounds} rounds, with ` +
      'the middle half. Round trips and throughput over the server itself in the same round, the first answer over the ' +
      `bare pipe's. \`km monitor\` delivers to an API that is 20 ms away. mcp-proxy, mcp-remote and supergateway lead from stdio to ` +
      `HTTP or back, none from stdio to stdio; tooner is no npm package.\n\n${table(head, measured)}\n\n${verdicts.join('\n')}\n\n` +
      `\`km monitor\` leaves what passed for a pause, for a second at most. Where none comes, p99 of ${long.roundTrips} round trips is ` +
      `${withoutPause} (${long.rounds} rounds).\n`,
  ];
}

/** At most so much more than the bare pipe, and no more than so much growth. */
const MOST_OVER_MB = 60;
const MOST_GROWTH_MB = 8;

/** What `measureMonitorMemory` measured: nothing where it cannot be. */
export function memoryTables(measured) {
  if (measured === undefined) return [];
  const { rows, seconds, aSecond } = measured;
  const megabytes = (bytes) => bytes / 1024 / 1024;
  const text = (bytes) => `${megabytes(bytes).toFixed(1)} MiB`;
  const [pipe] = rows;
  const cells = rows.map(({ name, isOurs, middleBytes, endBytes }) => {
    const isMet =
      megabytes(endBytes - pipe.endBytes) <= MOST_OVER_MB &&
      megabytes(endBytes - middleBytes) <= MOST_GROWTH_MB;
    const target = isOurs ? verdict(`at most ${MOST_OVER_MB} MiB over, and flat`, isMet) : '';
    return [name, text(middleBytes), text(endBytes), text(endBytes - pipe.endBytes), target];
  });
  return [
    '## Memory of km monitor\n\n' +
      `Both at once, each with ${aSecond.toLocaleString('en')} messages a second for ${seconds} s: what the process has in memory, the ` +
      `median of the middle third and of the last.\n\n${table(['', 'middle', 'end', 'over the pipe', 'target'], cells)}\n`,
  ];
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
