/** Names and messages are others' words: what moves a cursor, sets a title or turns the direction of writing is shown, and not obeyed. */
const obeyed = /(?!\n|\t)[\p{Cc}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu;

export function forTerminal(text: string): string {
  return text.replace(obeyed, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}
