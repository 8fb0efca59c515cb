/**
 * Whether the body of an answer is written as a page for people. Where what an answer says besides its status is of no
 * account, this is all that tells it from a captive portal: what servers call a word such as `OK` says nothing.
 */
export function isMarkup(text: string): boolean {
  return text.trimStart().startsWith('<');
}

/**
 * Whether the body of an answer is a page for people, as a captive portal sends with status 200 in place of any answer.
 * Where an answer says nothing but its status, that alone tells the two apart. What is empty is no page, whatever it is
 * called, and neither is a JSON object.
 *
 * @param contentType the answer's `Content-Type`, where it has one.
 */
export function isPortalPage(text: string, contentType: string | null | undefined): boolean {
  const start = text.trimStart();
  if (start === '' || start.startsWith('{')) return false;
  return isMarkup(text) || /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(contentType ?? '');
}
