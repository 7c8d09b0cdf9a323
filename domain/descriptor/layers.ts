import type { Pool } from './descriptor';

/**
 * Pools by dependency: those of a layer depend only on earlier layers. What remains in a cycle (which the parser
 * refuses) comes in a last layer, so that this ends.
 */
export function dependencyLayers<P extends Pick<Pool, 'name' | 'dependsOn'>>(pools: readonly P[]): P[][] {
  const layers: P[][] = [];
  const placed = new Set<string>();
  let rest = [...pools];
  while (rest.length > 0) {
    const ready = rest.filter((pool) => pool.dependsOn.every((name) => placed.has(name)));
    const layer = ready.length > 0 ? ready : rest;
    layers.push(layer);
    for (const pool of layer) placed.add(pool.name);
    rest = rest.filter((pool) => !placed.has(pool.name));
  }
  return layers;
}

/**
 * Circles of pools that wait for each other, by name, each in the order of waiting; no pool is in two. Pools that only wait
 * for such a circle are in none, and neither are names that no pool has.
 */
export function dependencyCycles(pools: readonly Pick<Pool, 'name' | 'dependsOn'>[]): string[][] {
  const cycles: string[][] = [];
  let rest = neverReady(pools);
  while (rest.length > 0) {
    const cycle = cycleAmong(rest);
    cycles.push(cycle);
    rest = neverReady(rest.filter(({ name }) => !cycle.includes(name)));
  }
  return cycles;
}

/** Each of these waits for another of them. */
function neverReady<P extends Pick<Pool, 'name' | 'dependsOn'>>(pools: readonly P[]): readonly P[] {
  const waiting = pools.filter(({ dependsOn }) => dependsOn.some((name) => pools.some((each) => each.name === name)));
  return waiting.length === pools.length ? pools : neverReady(waiting);
}

/** Whoever is followed, from pool to pool that it waits for, comes to one where it has been before. */
function cycleAmong(pools: readonly Pick<Pool, 'name' | 'dependsOn'>[]): string[] {
  const path: string[] = [];
  let next = pools[0];
  while (next && !path.includes(next.name)) {
    path.push(next.name);
    const { dependsOn } = next;
    next = pools.find(({ name }) => dependsOn.includes(name));
  }
  return path.slice(path.indexOf(next?.name ?? ''));
}
