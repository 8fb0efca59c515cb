// The picture of the demo in the README, made from what `npm start` prints.
//   node scripts/demo-picture.mjs --write   runs the demo (after a build) and draws it
//   node scripts/demo-picture.mjs           draws the lines of the picture again, and fails where it is not the same
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { drawTerminal, linesIn } from './terminal-picture.mjs';

const ROOT = path.resolve(import.meta.dirname, '..');
const PICTURE = path.join(ROOT, 'docs/demo.svg');
const MORE = '     …';

/** As the demo paints them on a terminal. */
const KINDS = { call: '#39c5cf', token: '#d29922', events: '#3fb950', api: '#d2a8ff' };
const GREEN = '#3fb950';

function paint(line) {
  const [, before, kind, after] = /^([\d.]+ s {2})(call|token|events|api)\b(.*)$/.exec(line) ?? [];
  if (kind !== undefined) return [before, kind, after, KINDS[kind]];
  return line.startsWith('The promise was kept') ? ['', line, '', GREEN] : undefined;
}

function draw(lines) {
  return drawTerminal({ title: 'npm start', lines, paint });
}

/** The beginning, the first refresh, the outage, and the end. */
function shortened(output) {
  const all = output.trimEnd().split('\n');
  const isRow = (line) => /^ *[\d.]+ s {2}/.test(line);
  const first = all.findIndex(isRow);
  const last = all.findLastIndex(isRow);
  const rows = all.slice(first, last + 1);
  const from = (start, what) => rows.findIndex((row, index) => index >= start && what.test(row));
  const refreshed = from(0, /refreshed/);
  const stopped = from(0, /api +stopped/);
  const failed = from(stopped, /cannot be refreshed/);
  const kept = from(stopped, /kept for later/);
  const again = from(stopped, /api +runs again/);
  const delivered = from(again, /delivered/);
  const mended = from(again, /refreshed/);
  const places = [refreshed, stopped, stopped + 1, failed, failed + 1, kept, again, delivered, mended];
  if (places.includes(-1)) throw new Error(`the demo did not show all that the picture is of:\n${output}`);
  const shown = [...new Set([0, 1, 2, 3, 4, 5, ...places, rows.length - 1])].sort((a, b) => a - b);
  const middle = shown.flatMap((place, index) => {
    const isNext = index === 0 || shown[index - 1] + 1 === place;
    const isInOutage = place > stopped && place <= mended;
    return [...(isNext || isInOutage ? [] : [MORE]), rows[place]];
  });
  return [...all.slice(0, first), ...middle, ...all.slice(last + 1)];
}

if (process.argv[2] === '--write') {
  const output = execFileSync(process.execPath, [path.join(ROOT, 'examples/dist/demo/main.js')], {
    encoding: 'utf8',
    env: { ...process.env, CI: 'true' },
  });
  writeFileSync(PICTURE, draw(shortened(output)));
} else {
  const picture = readFileSync(PICTURE, 'utf8');
  if (draw(linesIn(picture)) !== picture) {
    console.error('docs/demo.svg is not what is drawn from its lines: node scripts/demo-picture.mjs --write');
    process.exitCode = 1;
  }
}
