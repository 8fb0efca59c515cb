// What the README says of speed: every figure of bench/RESULTS.md that has a target, met or missed, with its date.
//   node scripts/quote-bench.mjs --write   writes it into the README
//   node scripts/quote-bench.mjs           fails where the README says something else
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const README = path.join(ROOT, 'README.md');
const BEGIN = '<!-- quoted from bench/RESULTS.md by scripts/quote-bench.mjs -->';
const END = '<!-- end of what is quoted -->';
/** The first of these columns that a table has is its figure. */
const FIGURES = ['ratio', 'added', 'all done after the answer', 'over the pipe'];
/** Where a table has it, it stands beside the figure: it is what the target is for. */
const ITSELF = 'the hit itself';
const RELAY = "a relay of the MCP SDK's transports";

function cellsOf(line) {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** A section's heading, its one table and its list. */
function sectionOf(text) {
  const lines = text.split('\n');
  const [header = '', , ...rows] = lines.filter((line) => line.startsWith('|'));
  return {
    heading: lines[0],
    columns: cellsOf(header),
    rows: rows.map(cellsOf),
    list: lines.filter((line) => line.startsWith('- ')),
  };
}

/** `2.71x (2.25x to 2.91x)` without what is in brackets. */
function bare(figure = '') {
  return figure.replace(/ \(.*/, '');
}

/** A target as it is written, `at most 3x: met`, in two cells. */
function cellsOfTarget(target) {
  const [, aim, outcome] = /^(.*): (met|missed)$/.exec(target) ?? [];
  if (outcome === undefined) throw new Error(`bench/RESULTS.md has a target that says nothing: ${target}`);
  return [aim, outcome === 'missed' ? '**missed**' : outcome];
}

/** The rows with a target, each with what the peers of its table came to. */
function quotesOf({ heading, columns, rows }, peers) {
  const target = columns.lastIndexOf('target');
  const figure = FIGURES.map((name) => columns.indexOf(name)).find((index) => index !== -1);
  if (target === -1 || figure === undefined) return [];
  const itself = columns.indexOf(ITSELF);
  const figureIn = (row) => (itself === -1 ? row[figure] : `${row[figure]}; ${ITSELF} ${row[itself]}`);
  const beside = rows
    .filter(([name]) => peers.includes(name))
    .map((row) => `${row[0].replace(/^@[^/]+\//, '')} ${row[figure]}`);
  return rows
    .filter((row) => row[target] !== '')
    .map((row) => [`${heading}: ${row[0]}`, figureIn(row), beside.join(', '), ...cellsOfTarget(row[target])]);
}

/** The lines under a table: `- km monitor, p50: at most 1.65x: met`, of the last column of that name. */
function quotesOfList({ heading, columns, rows, list }) {
  return list.map((line) => {
    const [, row, column, target] = /^- ([^,]+), ([^:]+): (.*)$/.exec(line) ?? [];
    const place = columns.lastIndexOf(column);
    const of = (name) => bare(rows.find(([first]) => first === name)?.[place]);
    if (of(row) === '') throw new Error(`bench/RESULTS.md has no figure for: ${line}`);
    const relay = of(RELAY) === '' ? '' : `SDK relay ${of(RELAY)}`;
    return [`${heading}: ${row}, ${column}`, of(row), relay, ...cellsOfTarget(target)];
  });
}

function tableOf(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length), 3));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

function quote(results) {
  const [about, ...texts] = results.split(/^## /m);
  const [, date, machine] = /^- (\d{4}-\d{2}-\d{2}), (.*)$/m.exec(about) ?? [];
  const [, listed] = /^- peers: (.*)$/m.exec(about) ?? [];
  if (date === undefined || listed === undefined)
    throw new Error('bench/RESULTS.md has no date, or no peers');
  const peers = listed.split(', ').map((peer) => peer.replace(/ \S+$/, ''));
  const sections = texts.map(sectionOf);
  const rows = sections.flatMap((section) => [
    ...quotesOf(section, peers),
    ...(section.columns.includes('target') ? [] : quotesOfList(section)),
  ]);
  const met = rows.filter(([, , , , outcome]) => outcome === 'met').length;
  const head = ['', 'km', 'others', 'target', ''];
  return `${date}, ${machine}: ${met} of ${rows.length} targets met.\n\n${tableOf([head, ...rows])}`;
}

const readme = readFileSync(README, 'utf8');
const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
if (from === -1 || to < from) throw new Error(`README.md has no place for it: ${BEGIN} … ${END}`);
const said = quote(readFileSync(path.join(ROOT, 'bench/RESULTS.md'), 'utf8'));
const wanted = `${readme.slice(0, from)}${BEGIN}\n\n${said}\n\n${readme.slice(to)}`;
if (process.argv[2] === '--write') writeFileSync(README, wanted);
else if (wanted !== readme) {
  console.error(
    'README.md does not say what bench/RESULTS.md has: run `node scripts/quote-bench.mjs --write`',
  );
  process.exitCode = 1;
}
