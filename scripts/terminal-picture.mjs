// Draws lines of text as a terminal shows them: an SVG with a background of its own, readable on a page of any colour.

const FONT_PX = 13;
/** What the widest of the usual monospaced fonts takes; `textLength` gives every other one the same. */
const CHARACTER_PX = 7.8;
const LINE_PX = 19;
const PADDING_PX = 20;
const BAR_PX = 34;

const COLOURS = {
  background: '#0d1117',
  bar: '#161b22',
  border: '#30363d',
  text: '#e6edf3',
};

const ENTITIES = [
  // Ordinary spaces in a row would be drawn as one.
  [' ', '\u00a0'],
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
];

function escaped(text) {
  return ENTITIES.reduce((so, [character, entity]) => so.replaceAll(character, entity), text);
}

function unescaped(text) {
  return ENTITIES.reduceRight((so, [character, entity]) => so.replaceAll(entity, character), text);
}

function lineAt(index, line, paint) {
  if (line === '') return '  <text/>';
  const text = line.trimStart();
  const x = PADDING_PX + (line.length - text.length) * CHARACTER_PX;
  const y = BAR_PX + PADDING_PX + index * LINE_PX;
  const length = text.length * CHARACTER_PX;
  const [before, word, after, colour] = paint(text) ?? [text, '', ''];
  const painted = word === '' ? '' : `<tspan fill="${colour}">${escaped(word)}</tspan>`;
  const place = `x="${x.toFixed(1)}" y="${y}" textLength="${length.toFixed(1)}" data-indent="${line.length - text.length}"`;
  return `  <text ${place}>${escaped(before)}${painted}${escaped(after)}</text>`;
}

/**
 * An SVG of a terminal in which `lines` stand under the command `title`. `paint` divides a line into what is
 * before a coloured piece, the piece, what is after it, and the colour; nothing where nothing is coloured.
 */
export function drawTerminal({ title, lines, paint }) {
  const columns = Math.max(...lines.map((line) => line.length));
  const width = Math.ceil(columns * CHARACTER_PX + 2 * PADDING_PX);
  const height = BAR_PX + 2 * PADDING_PX + (lines.length - 1) * LINE_PX;
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (colour, index) => `<circle cx="${20 + index * 20}" cy="${BAR_PX / 2}" r="6" fill="${colour}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_PX}" fill="${COLOURS.text}">
  <title>${escaped(title)}</title>
  <rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="${COLOURS.background}" stroke="${COLOURS.border}"/>
  <path d="M1 ${BAR_PX}V11a10 10 0 0 1 10-10H${width - 11}a10 10 0 0 1 10 10V${BAR_PX}z" fill="${COLOURS.bar}"/>
  ${dots.join('')}
${lines.map((line, index) => lineAt(index, line, paint)).join('\n')}
</svg>
`;
}

/** The lines that stand in a picture. */
export function linesIn(picture) {
  return [...picture.matchAll(/^ {2}<text(?:\/>| [^>]*data-indent="(\d+)"[^>]*>(.*)<\/text>)$/gm)].map(
    ([, indent = '0', marked = '']) =>
      ' '.repeat(Number(indent)) + unescaped(marked.replaceAll(/<\/?tspan[^>]*>/g, '')),
  );
}
