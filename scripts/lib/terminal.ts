import { shown } from '../../domain/shown';

/** Names and messages are others' words: what moves a cursor, sets a title or turns the direction of writing is shown, and not obeyed. */
export function forTerminal(text: string): string {
  return text.replace(/[^\n\t]+/g, shown);
}
