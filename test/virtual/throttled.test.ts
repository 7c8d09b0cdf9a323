import type { CallStrike, CloudCall } from '../../scripts/lib/virtual/worker';
import { zones, onePool } from '../../scripts/lib/virtual/specs';
import { openWorld } from '../../scripts/lib/virtual/world';
import { hostsOf } from '../../simulator';

/**
 * A service that asks to be left alone, in the midst of a procedure: it gets nothing until then from the worker that it has said so to, and the
 * procedure completes. A short time is waited for within a call, after a long one the activity is tried again, and who asks for more than a
 * minute is asked once a minute.
 */

interface Throttled {
  readonly what: string;
  readonly status: 429 | 503;
  readonly method: string;
  /** From the first such call on. */
  readonly path: RegExp;
  readonly seconds: number;
  /** After how many seconds it is asked again, and refused. */
  readonly asked: readonly number[];
}

const short = 2;
const long = 20;
const veryLong = 90;
const throttled: readonly Throttled[] = [short, long].flatMap((seconds) => [
  { what: 'launches', status: 429, method: 'POST', path: /^\/compute\/v2\.1\/servers$/, seconds, asked: [] },
  { what: 'ports', status: 429, method: 'POST', path: /^\/networking\/v2\.0\/ports$/, seconds, asked: [] },
  { what: 'looks for room', status: 429, method: 'GET', path: /^\/placement\//, seconds, asked: [] },
  { what: 'deletions', status: 429, method: 'DELETE', path: /^\/compute\/v2\.1\/servers\//, seconds, asked: [] },
  { what: 'launches', status: 503, method: 'POST', path: /^\/compute\/v2\.1\/servers$/, seconds, asked: [] },
]);
const longest: Throttled = {
  ...{ what: 'launches', status: 429, method: 'POST', path: /^\/compute\/v2\.1\/servers$/ },
  ...{ seconds: veryLong, asked: [60] },
};

/** `/compute/v2.1/servers` is one of the service `compute`. */
function serviceOf({ path }: CloudCall): string {
  return path.split('/')[1] ?? '';
}

test.each([...throttled, longest])(
  '$status with Retry-After: $seconds where it is asked for $what: what was begun before and what is begun then completes, and it is left alone meanwhile',
  async ({ status, method, path, seconds, asked }) => {
    let busy: { readonly service: string; readonly since: number } | undefined;
    const refused: number[] = [];
    let isScaling = false;
    const sawCall = (call: CloudCall, moment: string): CallStrike | undefined => {
      if (moment !== 'before' || !isScaling) return undefined;
      const now = world.time.now();
      if (busy === undefined && call.method === method && path.test(call.path))
        busy = { service: serviceOf(call), since: now };
      if (busy?.service !== serviceOf(call)) return undefined;
      const leftMs = busy.since + seconds * 1_000 - now;
      if (leftMs <= 0) return undefined;
      refused.push((now - busy.since) / 1_000);
      const headers = { 'Retry-After': String(Math.ceil(leftMs / 1_000)) };
      return { kind: 'status', status, headers, moment: 'before' };
    };
    const world = openWorld({
      seed: 1,
      cloud: { hosts: hostsOf(zones), bootSeconds: [5, 10], latencyMs: [1, 5] },
      sawCall,
    });
    try {
      for (const vnf of ['v1', 'v2']) {
        expect(await world.run('instantiate', { vnf, descriptor: onePool })).toMatchObject({ outcome: 'completed' });
        await world.settle(vnf);
      }
      isScaling = true;
      for (const [procedure, to] of [
        ['scaleOut', 6],
        ['scaleIn', 4],
      ] as const) {
        const first = world.begin(procedure, { vnf: 'v1', pool: 'web', to });
        await world.until('it is refused, or ends', () => busy !== undefined || first.ended() !== undefined);
        // What is begun meanwhile is held back as well.
        await world.pass(500);
        const second = world.begin(procedure, { vnf: 'v2', pool: 'web', to });
        for (const each of [first, second]) expect(await each.end()).toMatchObject({ outcome: 'completed' });
      }
      for (const vnf of ['v1', 'v2']) await world.settle(vnf);
      // Those that were under way when it said so are refused with the first one.
      expect(refused[0]).toBe(0);
      expect(refused.filter((after) => after > 0.1).map(Math.floor)).toEqual(asked);
      const { guarantees } = world.verdict();
      expect(Object.values(guarantees).flatMap(({ violations }) => violations)).toEqual([]);
    } finally {
      world.close();
    }
  },
);
