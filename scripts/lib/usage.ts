import { InvalidArgumentError, type CommanderError } from 'commander';

/** For commander's `exitOverride`: wrong usage exits with 2, since 1 says that something was found, and help with 0. */
export function exitAfterUsage({ exitCode }: CommanderError): never {
  process.exit(exitCode === 0 ? 0 : 2);
}

export function positive(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('give a whole number of at least 1');
  return Number(text);
}
