// How what is new gets into CHANGELOG.md: text in, text out.

const UNRELEASED = /^## Unreleased\n/m;

/** How much a change changes, the most first; each with what stands before its line. */
const MARKS = { major: '**Breaking.** ', minor: '', patch: '' };

/** @returns {string} one item of the list, however many lines its summary has */
function itemOf({ type, summary }) {
  return `- ${MARKS[type]}${summary.trim().replaceAll(/\n(?=.)/g, '\n  ')}\n`;
}

/** The newest version that CHANGELOG.md calls released; nothing where it calls none so. */
export function newestReleased(text) {
  return /^## (\d\S*) \(/m.exec(text)?.[1];
}

/** The part of `text` that starts with a heading of its own, up to the next; nothing where there is none. */
function sectionAt(text, heading) {
  const found = heading.exec(text);
  if (!found) return undefined;
  const start = found.index + found[0].length;
  const next = text.slice(start).search(/^## /m);
  return { from: found.index, to: next === -1 ? text.length : start + next };
}

/**
 * @param {{ text: string, version: string, date: string, changes: readonly { type: string, summary: string }[] }} of
 *   `text`: CHANGELOG.md as it is; `date`: as 2026-01-31; `changes`: what the changesets say
 * @returns {{ text: string, section: string }} CHANGELOG.md as it will be, and what it says about this version: what
 *   stood under Unreleased, and then the changes
 */
export function releasedChangelog({ text, version, date, changes }) {
  const old = sectionAt(text, UNRELEASED);
  const from = old?.from ?? sectionAt(text, /^## /m)?.from ?? text.length;
  const to = old?.to ?? from;
  const kept = old ? text.slice(from, to).replace(UNRELEASED, '').trim() : '';
  const types = Object.keys(MARKS);
  const sorted = changes.toSorted((a, b) => types.indexOf(a.type) - types.indexOf(b.type));
  const words = [kept, sorted.map(itemOf).join('').trim()].filter(Boolean);
  if (words.length === 0)
    throw new Error(`CHANGELOG.md has nothing to say about ${version}: add a changeset.`);
  const section = `## ${version} (${date})\n\n${words.join('\n')}\n`;
  const rest = text.slice(to).trim();
  return {
    section,
    text: `${text.slice(0, from).trim()}\n\n${section}${rest === '' ? '' : `\n${rest}\n`}`,
  };
}
