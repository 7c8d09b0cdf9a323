import type { Spare } from './descriptor';
import { leastLevelOfShare, saySpare, spareAt } from '../levels';
import { dependencyCycles } from './layers';
import type { LegibleDescriptor, LegiblePool } from './legible';
import { anybody, isCidr } from './schema';

/** What a descriptor says that cannot be true together: each with the path of the bad value and what would be right. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

export function contradictions({ networks, pools }: LegibleDescriptor): Problem[] {
  const known = { networks, pools: namesOf(pools) };
  return [
    ...duplicates(pools),
    ...pools.flatMap((pool, index) => {
      const at = `pools.${String(index)}`;
      return [...sizes(pool, at), ...spares(pool, at), ...references(pool, at, known)];
    }),
    ...cycles(pools),
  ];
}

/** Undefined where a name is missing or malformed: then nobody can tell which pools there are. */
function namesOf(pools: readonly LegiblePool[]): readonly string[] | undefined {
  const names = pools.flatMap(({ name }) => name ?? []);
  return names.length === pools.length ? names : undefined;
}

function duplicates(pools: readonly LegiblePool[]): Problem[] {
  const seen = new Set<string>();
  return pools.flatMap(({ name }, index) => {
    if (name === undefined || !seen.has(name)) {
      if (name !== undefined) seen.add(name);
      return [];
    }
    const message = `there is a pool ${name} already; each pool has a name of its own`;
    return [{ path: `pools.${String(index)}.name`, message }];
  });
}

function sizes({ size: { min, initial, max } }: LegiblePool, at: string): Problem[] {
  if (min > max)
    return [{ path: `${at}.size`, message: `min ${String(min)} is above max ${String(max)}; make min the smaller` }];
  if (initial < min || initial > max) {
    const message = `give an initial size from ${String(min)} to ${String(max)}`;
    return [{ path: `${at}.size.initial`, message }];
  }
  return [];
}

/** What is wrong with the spares at the levels that the pool may have: with that of a host, and that of its failure domain. */
export function spares(
  { size, spare, failureDomain, belowShare }: Pick<LegiblePool, 'size' | 'spare' | 'failureDomain' | 'belowShare'>,
  at: string,
): Problem[] {
  const pool = { size, belowShare };
  return [
    ...spareProblems(pool, { spare, at, path: 'spare', where: 'on a host' }),
    ...spareProblems(pool, {
      ...{ spare: failureDomain?.spare, at, path: 'failureDomain.spare' },
      where: 'in one failure domain',
    }),
  ];
}

function spareProblems(
  { size: { min, max }, belowShare }: Pick<LegiblePool, 'size' | 'belowShare'>,
  given: { spare: Spare | undefined; at: string; path: string; where: string },
): Problem[] {
  const { spare, at, path, where } = given;
  if (spare === undefined || spare === 'none' || min > max) return [];
  const least = leastLevelOfShare(spare);
  if (least > max) {
    return [
      {
        path: `${at}.${path}`,
        message: `no level up to ${String(max)} keeps ${saySpare(spare)} ${where}; it needs at least ${String(least)} members`,
      },
    ];
  }
  const problems: Problem[] = [];
  if (belowShare === 'refuse' && min < least) {
    problems.push({
      path: `${at}.size.min`,
      message: `below level ${String(least)} no placement keeps ${saySpare(spare)} ${where}; make min ${String(least)}, or say belowShare: onePerHost`,
    });
  }
  const from = belowShare === 'onePerHost' ? min : Math.max(min, least);
  for (let level = from; level <= max; level++) {
    // k(L) < L must hold at every allowed level.
    if (spareAt(spare, level) < level) continue;
    problems.push({
      path: `${at}.${path}`,
      message: `at level ${String(level)} all ${String(level)} members would be spare; make min larger than the spare, the spare smaller, or say spare: none`,
    });
    break;
  }
  return problems;
}

interface Known {
  readonly networks: readonly string[] | undefined;
  readonly pools: readonly string[] | undefined;
}

function references(pool: LegiblePool, at: string, known: Known): Problem[] {
  const problems: Problem[] = [];
  const add = (path: string, message: string): void => void problems.push({ path: `${at}.${path}`, message });
  pool.networks.forEach((network, index) => {
    if (network === undefined) return;
    const path = `networks.${String(index)}`;
    if (known.networks && !known.networks.includes(network))
      add(path, `there is no network ${network}; there are ${known.networks.join(', ') || 'none'}`);
    if (pool.networks.indexOf(network) < index) add(path, `network ${network} stands there twice; remove one`);
  });
  if (!known.pools) return problems;
  for (const [index, name] of pool.dependsOn.entries()) {
    if (name === undefined || known.pools.includes(name)) continue;
    add(`dependsOn.${String(index)}`, `there is no pool ${name}; there are ${known.pools.join(', ')}`);
  }
  for (const [index, rule] of pool.securityRules.entries()) {
    const from = rule?.from;
    if (from === undefined || from === anybody || isCidr(from) || known.pools.includes(from)) continue;
    add(
      `securityRules.${String(index)}.from`,
      `there is no pool ${from}; give "${anybody}", a CIDR like 10.0.0.0/8, or one of ${known.pools.join(', ')}`,
    );
  }
  return problems;
}

function cycles(pools: readonly LegiblePool[]): Problem[] {
  const named = pools.flatMap(({ name, dependsOn }) =>
    name === undefined ? [] : [{ name, dependsOn: dependsOn.filter((each) => each !== undefined) }],
  );
  return dependencyCycles(named).map((names) => ({
    path: `pools.${String(pools.findIndex(({ name }) => name === names[0]))}.dependsOn`,
    message: `${[...names, names[0]].join(' waits for ')}; one of them must be able to start first`,
  }));
}
