import { InvalidArgumentError } from 'commander';

/** A count as an option has it. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`give a whole number from ${String(least)} to ${String(most)}`);
    return value;
  };
}
