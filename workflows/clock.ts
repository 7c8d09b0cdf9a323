/** The workflow's own clock: the same on every replay. ISO 8601. */
export function now(): string {
  return new Date().toISOString();
}

export function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1_000).toISOString();
}
