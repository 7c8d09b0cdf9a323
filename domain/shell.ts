import { unseen } from './shown';

/** Texts of others in commands of the shell: each is one argument, and does nothing. */

/** In single quotes nothing means anything but their end. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * For a command that a person is told to run: as it is where that is plain, and on one line. What a terminal would obey stands there by its octal
 * bytes, which bash, zsh and POSIX.1-2024 read; an older shell takes them for other text, and runs nothing either.
 */
export function argument(text: string): string {
  if (/^[\w.:@%+/,][\w.:@%+/,-]*$/.test(text)) return text;
  if (text.search(unseen) < 0) return quoted(text);
  return `$'${text.replace(/['\\]/g, octal).replace(unseen, octal)}'`;
}

/** `bulkhead retry scale-1`; an id that begins with a dash is no option. */
export function bulkheadCommand(command: string, id: string): string {
  return `bulkhead ${command} ${id.startsWith('-') ? '-- ' : ''}${argument(id)}`;
}

/** Of all of UTF-8's bytes: workflows have no encoder. */
function octal(character: string): string {
  return encodeURIComponent(character)
    .replaceAll("'", '%27')
    .replaceAll(/%([0-9A-F]{2})/g, (_all, hex: string) => `\\${parseInt(hex, 16).toString(8).padStart(3, '0')}`);
}
