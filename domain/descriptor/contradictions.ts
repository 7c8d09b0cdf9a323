import { leastLevelOfShare, saySpare, spareAt } from '../levels';
import type { Descriptor, Pool } from './descriptor';
import { dependencyCycle } from './layers';

/** What a descriptor says that cannot be true together: each with the path of the bad value and what would be right. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

export function contradictions(descriptor: Descriptor): Problem[] {
  const names = descriptor.pools.map((pool) => pool.name);
  return [
    ...duplicates(names),
    ...descriptor.pools.flatMap((pool, index) => ofPool(pool, { at: `pools.${String(index)}`, names, descriptor })),
    ...cycle(descriptor),
  ];
}

function duplicates(names: readonly string[]): Problem[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? [
          {
            path: `pools.${String(index)}.name`,
            message: `there is a pool ${name} already; each pool has a name of its own`,
          },
        ]
      : [],
  );
}

interface Place {
  readonly at: string;
  readonly names: readonly string[];
  readonly descriptor: Descriptor;
}

function ofPool(pool: Pool, place: Place): Problem[] {
  return [...sizes(pool, place), ...spares(pool, place), ...references(pool, place)];
}

function sizes({ size: { min, initial, max } }: Pool, { at }: Place): Problem[] {
  const problems: Problem[] = [];
  if (min > max) problems.push({ path: `${at}.size`, message: `min ${String(min)} is above max ${String(max)}` });
  else if (initial < min || initial > max)
    problems.push({
      path: `${at}.size.initial`,
      message: `give an initial size from ${String(min)} to ${String(max)}`,
    });
  if (max > 10_000) problems.push({ path: `${at}.size.max`, message: 'a pool has at most 10000 members' });
  return problems;
}

function spares(pool: Pool, { at }: Place): Problem[] {
  const { spare, belowShare } = pool;
  const { min, max } = pool.size;
  if (spare === 'none' || min > max || max > 10_000) return [];
  const least = leastLevelOfShare(spare);
  if (least > max) {
    return [
      {
        path: `${at}.spare`,
        message: `no level up to ${String(max)} keeps ${saySpare(spare)} on a host; it needs at least ${String(least)} members`,
      },
    ];
  }
  const problems: Problem[] = [];
  if (min < least && belowShare === 'refuse') {
    problems.push({
      path: `${at}.size.min`,
      message: `below level ${String(least)} no placement keeps ${saySpare(spare)} on a host; make min ${String(least)}, or say belowShare: onePerHost`,
    });
  }
  const bad = firstLevelWithoutNeed(pool);
  if (bad !== null) {
    problems.push({
      path: `${at}.spare`,
      message: `at level ${String(bad)} all ${String(bad)} members would be spare; make min larger than the spare, the spare smaller, or say spare: none`,
    });
  }
  return problems;
}

/** k(L) < L must hold at every allowed level. */
function firstLevelWithoutNeed({ spare, size: { min, max } }: Pool): number | null {
  for (let level = min; level <= max; level++) if (spareAt(spare, level) >= level) return level;
  return null;
}

function references(pool: Pool, { at, names, descriptor }: Place): Problem[] {
  const networks = Object.keys(descriptor.networks);
  const problems: Problem[] = [];
  pool.networks.forEach((network, index) => {
    if (!networks.includes(network))
      problems.push({
        path: `${at}.networks.${String(index)}`,
        message: `there is no network ${network}; there are ${networks.join(', ')}`,
      });
    if (pool.networks.indexOf(network) < index)
      problems.push({ path: `${at}.networks.${String(index)}`, message: `network ${network} stands there twice` });
  });
  pool.dependsOn.forEach((name, index) => {
    if (!names.includes(name))
      problems.push({
        path: `${at}.dependsOn.${String(index)}`,
        message: `there is no pool ${name}; there are ${names.join(', ')}`,
      });
  });
  pool.securityRules.forEach(({ from }, index) => {
    if (from === 'any' || names.includes(from) || isCidr(from)) return;
    problems.push({
      path: `${at}.securityRules.${String(index)}.from`,
      message: `${from} is neither "any", nor a CIDR like 10.0.0.0/8, nor one of the pools ${names.join(', ')}`,
    });
  });
  return problems;
}

function isCidr(text: string): boolean {
  const match = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\/([0-9]{1,2})$/.exec(text);
  if (match) return match.slice(1, 5).every((part) => Number(part) <= 255) && Number(match[5]) <= 32;
  return /^[0-9a-f:]+\/[0-9]{1,3}$/i.test(text) && text.includes(':');
}

function cycle(descriptor: Descriptor): Problem[] {
  const names = dependencyCycle(descriptor.pools);
  if (names.length === 0) return [];
  return [
    {
      path: 'pools',
      message: `${names.join(', ')} wait for each other (dependsOn); one of them must be able to start first`,
    },
  ];
}
