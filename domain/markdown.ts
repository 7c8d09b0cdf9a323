import { unseen } from './shown';

/**
 * Texts of others (a caller's workflow id, a host's name, what a cloud says) where the Web UI renders Markdown: they are shown as they are, and make
 * no heading, link, image, table or second line of it.
 */

/** All of ASCII's punctuation may be escaped so; this is what Markdown, its tables and its automatic links and HTML begin with. */
const special = /[\\`*_[\]<>|~&!#]|:(?=\/\/)|(?<=www)\./gi;
const allUnseen = new RegExp(`${unseen.source}+`, 'gu');

const shownMax = 500;

/** At most so many characters of it. */
export function plain(text: string, most = shownMax): string {
  return cut(text.replace(allUnseen, ' '), most).replace(special, '\\$&');
}

/** Back again, for a terminal; what is bold is not. */
export function unescaped(markdown: string): string {
  return markdown.replace(/\*\*|\\([\\`*_[\]<>|~&!#:.])/g, (_all, escaped?: string) => escaped ?? '');
}

/** Temporal takes 400 bytes for a summary, and an encrypted one is about 100 longer than it was. */
const summaryBytesMax = 250;

/** One line about a run or an activity: escaped, and as long as Temporal takes it. */
export function summary(text: string): string {
  const whole = plain(text, summaryBytesMax);
  for (let most = summaryBytesMax; ; most = Math.floor(most * 0.8)) {
    const shown = most === summaryBytesMax ? whole : plain(text, most);
    // An upper bound without an encoder, which workflows have not: four bytes a character where there is more than ASCII.
    const bytes = /^[\x20-\x7e]*$/.test(shown) ? shown.length : Array.from(shown).length * 4;
    if (bytes <= summaryBytesMax) return shown;
  }
}

/** No half of a character is left. */
function cut(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}
