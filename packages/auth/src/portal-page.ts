/**
 * Whether a body looks like HTML. For an answer whose body does not matter, such as `OK`, this tells the page of a captive
 * portal from the real answer; its `Content-Type` does not.
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
