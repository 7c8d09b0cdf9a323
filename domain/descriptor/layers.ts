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

/** Names of pools that wait for each other in a circle; empty where there is none. */
export function dependencyCycle(pools: readonly Pick<Pool, 'name' | 'dependsOn'>[]): string[] {
  const placed = new Set<string>();
  let rest = [...pools];
  for (;;) {
    const ready = rest.filter((pool) =>
      pool.dependsOn.every((name) => placed.has(name) || !pools.some((each) => each.name === name)),
    );
    if (ready.length === 0) return rest.map((pool) => pool.name);
    for (const pool of ready) placed.add(pool.name);
    rest = rest.filter((pool) => !placed.has(pool.name));
  }
}
