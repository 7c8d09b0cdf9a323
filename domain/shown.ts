/** Texts of others (a caller's workflow id, a host's name, what a cloud says) within one line of plain text: of a message, or on a terminal. */

/** Line ends, tabs, what moves a cursor, and what turns the direction of writing. */
export const unseen = /[\p{Cc}\p{Zl}\p{Zp}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu;

/** What would be obeyed is shown: it ends no line and forges none. */
export function shown(text: string): string {
  return text.replace(unseen, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Each is one line, whatever is in it. */
export function inLines(lines: readonly string[]): string {
  return lines.map(shown).join('\n');
}
