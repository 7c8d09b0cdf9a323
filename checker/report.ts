import type { CloudEvent } from '../simulator/events';
import { guarantees, type Verdict } from './verdict';
import { advance, isStray, newWorld } from './world';

/** A verdict and the cloud's state, for people. */

const titles = {
  G1: 'share: no host has more of a pool than may be lost',
  G2: 'service: never fewer in service than asked for',
  G3: 'zone: everybody on hosts of their zone',
  G4: 'nothing leaked, nothing doubled',
  G5: 'quota and room first: a refusal makes nothing',
  G6: 'bounded: every run ends, and says how',
  G7: 'one at a time',
  G8: 'progress: what is feasible completes',
} as const;

/** A line for each guarantee, and one for each violation. */
export function verdictLines(verdict: Verdict): string[] {
  return guarantees.flatMap((guarantee) => {
    const { held, looked, violations } = verdict.guarantees[guarantee];
    const word = held ? 'held' : looked === 0 && violations.length === 0 ? 'not looked at' : 'BROKEN';
    const head = `${guarantee} ${word.padEnd(4)} ${titles[guarantee]} (${String(looked)} facts)`;
    return [
      head,
      ...violations.slice(0, 5).map(({ part, seq, message }) => `     ${part} by event ${String(seq)}: ${message}`),
    ];
  });
}

/** Existing VMs of a VNF, host by pool, as the log ends: `2` live ones, `!1` not able to serve, `?1` where they must not be. */
export function placementTable(events: readonly CloudEvent[], vnf: string): string {
  const world = newWorld();
  for (const event of events) advance(world, event);
  const ours = [...world.servers.values()].filter((server) => server.vnf === vnf && server.host !== null);
  if (ours.length === 0) return `no VM of ${vnf} exists`;
  const pools = [
    ...new Set([...(world.vnfs.get(vnf)?.pools.keys() ?? []), ...ours.map((server) => server.pool ?? '')]),
  ];
  const hosts = [...new Set(ours.map((server) => server.host ?? ''))].sort();
  const cell = (host: string, pool: string): string => {
    const here = ours.filter((server) => server.host === host && server.pool === pool);
    const strays = here.filter(isStray).length;
    const live = here.filter((server) => !isStray(server) && server.state === 'ACTIVE').length;
    const down = here.length - strays - live;
    return (
      `${live > 0 ? String(live) : ''}${down > 0 ? `!${String(down)}` : ''}${strays > 0 ? `?${String(strays)}` : ''}` ||
      '.'
    );
  };
  const mark = (host: string): string => {
    const state = world.hosts.get(host);
    return `${host}${state?.alive === false ? ' (dead)' : state?.enabled === false ? ' (closed)' : ''}`;
  };
  const rows = [['host', ...pools], ...hosts.map((host) => [mark(host), ...pools.map((pool) => cell(host, pool))])];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
