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

/**
 * Which member a server is, in every way in which the match can be read with these pools: `{pool}{ordinal}` reads `web10` as number 10 of `web`,
 * and where there is a pool `web1` as its number 0 too. Where none of the pools fits, as a pool that the descriptor does not have. Empty
 * where it does not match. An ordinal may be 0 here, as others count.
 */
export function readMatch(match: Match, server: Named, pools: readonly string[]): readonly MemberRef[] {
  const known = pools.flatMap((pool) => readingsOf(match, server, escaped(pool)));
  // As short as it can be, so that an ordinal is read with all of its digits.
  return known.length > 0 ? known : readingsOf(match, server, '.+?').slice(0, 1);
}

interface Named {
  readonly name: string;
  readonly tags: readonly string[];
}

/** With a pool's name as this expression has it. */
function readingsOf(match: Match, server: Named, pool: string): MemberRef[] {
  const texts = 'namePattern' in match ? [server.name] : server.tags;
  let readings: readonly Partial<MemberRef>[] = [{}];
  for (const pattern of patternsOf(match)) {
    const expression = expressionOf(pattern, pool);
    const found = texts.flatMap((text) => {
      const groups = expression.exec(text);
      return groups ? [partOf(groups.groups)] : [];
    });
    readings = distinct(readings.flatMap((reading) => found.map((part) => ({ ...reading, ...part }))));
  }
  return readings.flatMap(({ pool: name, ordinal }) =>
    name === undefined || ordinal === undefined ? [] : [{ pool: name, ordinal }],
  );
}

function partOf({ pool, ordinal }: Record<string, string> = {}): Partial<MemberRef> {
  return { ...(pool !== undefined && { pool }), ...(ordinal !== undefined && { ordinal: Number(ordinal) }) };
}

function distinct(readings: readonly Partial<MemberRef>[]): readonly Partial<MemberRef>[] {
  return [...new Map(readings.map((each) => [`${each.pool ?? ''} ${String(each.ordinal ?? '')}`, each])).values()];
}

/** All else in a pattern stands for itself. An ordinal beside a `*` has all of its digits. */
function expressionOf(pattern: string, pool: string): RegExp {
  const captures: Readonly<Record<string, string>> = {
    '{pool}': `(?<pool>${pool})`,
    // More digits would not be exact.
    '{ordinal}': '(?<ordinal>[0-9]{1,9})',
    '*': '.*',
    '*{': '(?:.*[^0-9])?',
    '}*': '(?:[^0-9].*)?',
  };
  const parts = pattern.split(/(\{pool\}|\{ordinal\}|\*)/).filter((part) => part !== '');
  const texts = parts.map((part, index) => {
    const isAfter = parts[index - 1] === '{ordinal}';
    const key = part !== '*' ? part : isAfter ? '}*' : parts[index + 1] === '{ordinal}' ? '*{' : part;
    return captures[key] ?? escaped(part);
  });
  return new RegExp(`^${texts.join('')}$`, 's');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
