import type { MemberRef } from '../plan';

/**
 * How servers that were made by other means are known: by their names, or by their tags. A pattern says where the pool and the ordinal
 * stand: `old-{pool}-{ordinal}`. `*` is anything.
 */
export type Match = { readonly namePattern: string } | { readonly tags: readonly string[] };

/** More of them make matching slow, and nobody's names need them. */
export const starsMax = 2;

export function patternsOf(match: Match): readonly string[] {
  return 'namePattern' in match ? [match.namePattern] : match.tags;
}

/** How often the patterns say where the pool stands, or the ordinal. Once is right. */
export function countOf(match: Match, key: 'pool' | 'ordinal'): number {
  return patternsOf(match).reduce((sum, pattern) => sum + pattern.split(`{${key}}`).length - 1, 0);
}

/** Which member a server is. Null where it does not match. An ordinal may be 0 here, as others count. */
export function readMatch(
  match: Match,
  server: { readonly name: string; readonly tags: readonly string[] },
): MemberRef | null {
  const found: { pool?: string; ordinal?: number } = {};
  for (const pattern of patternsOf(match)) {
    const expression = expressionOf(pattern);
    const texts = 'namePattern' in match ? [server.name] : server.tags;
    const groups = texts.map((text) => expression.exec(text)).find((each) => each !== null);
    if (groups === undefined) return null;
    const { pool, ordinal } = groups.groups ?? {};
    if (pool !== undefined) found.pool = pool;
    if (ordinal !== undefined) found.ordinal = Number(ordinal);
  }
  const { pool, ordinal } = found;
  return pool === undefined || ordinal === undefined ? null : { pool, ordinal };
}

const captures: Readonly<Record<string, string>> = {
  '{pool}': '(?<pool>.+)',
  // More digits would not be exact.
  '{ordinal}': '(?<ordinal>[0-9]{1,9})',
  '*': '.*',
};

/** All else in a pattern stands for itself. */
function expressionOf(pattern: string): RegExp {
  const parts = pattern.split(/(\{pool\}|\{ordinal\}|\*)/);
  return new RegExp(`^${parts.map((part) => captures[part] ?? escaped(part)).join('')}$`, 's');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
