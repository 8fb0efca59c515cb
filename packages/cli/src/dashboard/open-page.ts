import { rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { CommandContext } from '../command-context.js';
import { isPersonElsewhere, openBrowser } from '../login/open-browser.js';
import { makePageFolder, writePage } from './page-folder.js';

/**
 * Opens a link that has a secret in it. What a program is started with every user of the machine can read, and so the
 * browser is not given the link, but a page in a folder that only this user can open, which leads there. A browser on
 * another machine has no such page: it is not opened.
 *
 * @returns what removes that page.
 */
export function openByPage(link: string, context: CommandContext): () => void {
  if (isPersonElsewhere(context.environment)) return () => undefined;
  let folder: string | undefined;
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  };
  context.onExit(remove);
  try {
    folder = makePageFolder(context.environment);
    const page = writePage(folder, pageTo(link));
    if (!openBrowser(pathToFileURL(page).href, context)) remove();
  } catch (error) {
    remove();
    const why = error instanceof Error ? error.message : String(error);
    context.tell(
      `km: no browser is opened, for no page could be written for it: ${why}; open the link by hand`,
    );
  }
  return remove;
}

/** `link` has nothing in it that HTML knows. */
function pageTo(link: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=${link}">
<title>km dashboard</title>
</head>
<body><p><a href="${link}">Open the dashboard</a></p></body>
</html>
`;
}
