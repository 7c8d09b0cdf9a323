import { seeded } from '../../../simulator';
import type { Answer } from './faults';
import type { CallStrike } from './worker';

/**
 * A night as a list: what there is, what is asked for, and what goes wrong, each at its time. All of it follows from a seed, and a story
 * with some of its acts left out is a story too: that is how one that fails is made short.
 */
export interface Story {
  readonly seed: number;
  /** By zone, how many. */
  readonly hosts: Readonly<Record<string, number>>;
  /** By zone, the rack of each host, as aggregates name it: null where none does. Absent: of no host. */
  readonly racks?: Readonly<Record<string, readonly (string | null)[]>>;
  /** Who the workers are. Absent: an operator. */
  readonly as?: 'tenant';
  readonly vnfs: readonly VnfOfStory[];
  readonly acts: readonly Act[];
}

export interface VnfOfStory {
  readonly vnf: string;
  readonly pools: readonly PoolOfStory[];
}

export interface PoolOfStory {
  readonly name: string;
  readonly zone: string;
  readonly spare: number | string;
  /** What may be lost with a rack. Absent: the pool does not keep to racks. */
  readonly rackSpare?: number | string;
  readonly min: number;
  readonly initial: number;
  readonly max: number;
  readonly serial: boolean;
  /** Nova moves its members off a dead host. */
  readonly evacuates?: true;
}

/** Numbers choose among what there is when the act comes: the same every time. */
export type Act = { readonly atSeconds: number } & (
  | { readonly does: 'instantiate' | 'heal' | 'rebalance' | 'terminate'; readonly vnf: string }
  /** Its record ends by hand. */
  | { readonly does: 'recordDies' | 'adopt'; readonly vnf: string }
  | { readonly does: 'audit'; readonly vnf: string; readonly repair: boolean }
  | { readonly does: 'scale'; readonly vnf: string; readonly pool: string; readonly to: number }
  | { readonly does: 'evacuate' | 'restore'; readonly host: number; readonly cause: 'failed' | 'maintenance' }
  | { readonly does: 'evacuateRack'; readonly rack: number; readonly cause: 'failed' | 'maintenance' }
  | { readonly does: 'hostDies' | 'hostReturns'; readonly host: number }
  | { readonly does: 'rackDies' | 'rackReturns'; readonly rack: number }
  | { readonly does: 'memberDies'; readonly vnf: string; readonly member: number }
  /** By another hand. */
  | { readonly does: 'memberMoves'; readonly vnf: string; readonly member: number; readonly host: number }
  | { readonly does: 'workerDies' }
  | { readonly does: 'workerStops' | 'temporalAway'; readonly seconds: number }
  | { readonly does: 'callStruck'; readonly afterCalls: number; readonly times: number; readonly strike: CallStrike }
  | { readonly does: 'cancel' | 'terminateRun'; readonly run: number }
  /** A run is in trouble until a person has answered, so long after it has got stuck. What cleans up behind it is, too, for as long. */
  | {
      readonly does: 'troubled';
      readonly run: number;
      readonly trouble: 'undoFails' | 'cloudFails';
      readonly cleanUps: boolean;
      readonly answer: Exclude<Answer, 'blocked'>;
      readonly afterSeconds: number;
    }
  /** To a share of what it had done, and whatever it has begun meanwhile. Without one: to half of it, and only where nothing that it has begun is at work. */
  | { readonly does: 'reset'; readonly run: number; readonly keptPercent?: number }
);

const spares: readonly (number | string)[] = [1, 2, '1/3', '34%', '50%', '25%'];

/**
 * Before this seed a pool of two may have two to spare, which is refused: such a VNF never comes up. Some of those nights are tests, and
 * stay as they were.
 */
const allComeUpFrom = 50_000;

/** From this seed on there may be racks, and other hands that move members. Nights before it stay as they were. */
const racksFrom = 3_000_000;

/** From this seed on there is what people do about a VNF beside its procedures. Nights before it stay as they were. */
const peopleFrom = 20_000_000;

/** From this seed on Nova moves the members of some pools, and hosts of theirs die more often. Nights before it stay as they were. */
const evacuatesFrom = 30_000_000;

/** What may be lost with a rack, by how many there are: most levels can be shared out so. */
const rackSpares: Readonly<Record<number, readonly (number | string)[]>> = {
  2: ['60%', '2/3', '3/4', 3],
  3: ['50%', '2/3', 2, 3],
  4: ['34%', '50%', '60%', 2],
};

export function storyOf(seed: number): Story {
  const random = seeded(seed);
  const below = (most: number): number => Math.floor(random() * most);
  const pick = <T>(items: readonly [T, ...T[]] | readonly T[]): T => {
    const item = items[below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  const hosts = { mz: 4 + below(7), dmz: 2 + below(4) };
  const as = seed >= peopleFrom && below(4) === 0 ? 'tenant' : undefined;
  // A tenant sees no racks.
  const racks = !as && seed >= racksFrom && below(4) > 0 ? { mz: racked(hosts.mz), dmz: racked(hosts.dmz) } : undefined;
  const vnfs = Array.from({ length: 1 + below(2) }, (_, index): VnfOfStory => {
    const pools = Array.from({ length: 1 + below(2) }, (__, number): PoolOfStory => {
      const drawn = 2 + below(4);
      const zone = number === 1 && below(2) === 0 ? 'dmz' : 'mz';
      const spare = pick(spares);
      const rackSpare = rackSpareIn(zone);
      const counts = [spare, rackSpare].filter((each) => typeof each === 'number');
      const min = seed >= allComeUpFrom ? Math.max(2, ...counts.map((count) => count + 1)) : 2;
      const initial = Math.max(min, drawn);
      return {
        name: ['web', 'edge'][number] ?? '',
        ...{ zone, spare, ...(rackSpare !== undefined && { rackSpare }), min, initial, max: initial + 6 },
        serial: below(8) === 0,
        ...(seed >= evacuatesFrom && below(2) === 0 && { evacuates: true }),
      };
    });
    return { vnf: `v${String(index + 1)}`, pools };
  });
  const acts: Act[] = vnfs.map(({ vnf }) => ({ atSeconds: below(5), does: 'instantiate', vnf }));
  let at = 30;
  const many = 3 + below(6);
  for (let number = 0; number < many; number++) {
    at += below(4) === 0 ? 0 : below(60);
    acts.push(askedAt(at));
    if (below(2) === 0) acts.push(wrongAt(at + below(25)));
    if (seed >= racksFrom && below(4) === 0) acts.push(...harmAt(at + below(25)));
    if (seed >= peopleFrom && below(2) === 0) acts.push(...personAt(at + below(25)));
    if (seed >= evacuatesFrom && below(4) === 0) acts.push(...deathAt(at + below(25)));
  }
  return {
    seed,
    hosts,
    ...(racks && { racks }),
    ...(as && { as }),
    vnfs,
    acts: acts.sort((a, b) => a.atSeconds - b.atSeconds),
  };

  /** Hosts in two to four racks, in turn or as it comes; sometimes nobody says of one where it is. */
  function racked(many: number): (string | null)[] {
    const count = 2 + below(3);
    const inTurn = below(2) === 0;
    const lost = below(4) === 0 ? below(many) : -1;
    return Array.from({ length: many }, (_, host) =>
      host === lost ? null : `r${String(1 + (inTurn ? host % count : below(count)))}`,
    );
  }

  function rackSpareIn(zone: 'mz' | 'dmz'): number | string | undefined {
    const many = new Set(racks?.[zone].filter((rack) => rack !== null)).size;
    const given = rackSpares[many];
    return given && below(4) > 0 ? pick(given) : undefined;
  }

  /** What befalls a rack, or a member, and what is mostly asked for then. */
  function harmAt(atSeconds: number): Act[] {
    const { vnf } = pick(vnfs);
    const rack = below(4);
    const later = atSeconds + 1 + below(40);
    const then = (act: Act): Act[] => (below(4) > 0 ? [act] : []);
    switch (racks ? below(5) : 4) {
      case 0:
      case 1:
        return [
          { atSeconds, does: 'rackDies', rack },
          ...then({ atSeconds: later, does: 'evacuateRack', rack, cause: 'failed' }),
        ];
      case 2:
        return [{ atSeconds, does: 'rackReturns', rack }];
      case 3:
        return [{ atSeconds, does: 'evacuateRack', rack, cause: 'maintenance' }];
      default:
        return [
          { atSeconds, does: 'memberMoves', vnf, member: below(20), host: below(20) },
          ...then({ atSeconds: later, does: 'rebalance', vnf }),
        ];
    }
  }

  /** Of a host that a person fences and has evacuated, mostly before it is back. */
  function deathAt(atSeconds: number): Act[] {
    const host = below(20);
    const fenced = atSeconds + 1 + below(40);
    return [
      { atSeconds, does: 'hostDies', host },
      { atSeconds: fenced, does: 'evacuate', host: below(20), cause: 'failed' },
      ...(below(2) === 0 ? [{ atSeconds: fenced + below(200), does: 'hostReturns', host } as const] : []),
    ];
  }

  function askedAt(atSeconds: number): Act {
    const { vnf, pools } = pick(vnfs);
    switch (below(10)) {
      case 0:
        return { atSeconds, does: 'evacuate', host: below(20), cause: 'maintenance' };
      case 1:
        return { atSeconds, does: 'evacuate', host: below(20), cause: 'failed' };
      case 2:
        return { atSeconds, does: 'restore', host: below(20), cause: 'maintenance' };
      case 3:
        return { atSeconds, does: 'heal', vnf };
      case 4:
        return { atSeconds, does: below(2) === 0 ? 'terminate' : 'instantiate', vnf };
      default: {
        const pool = pick(pools);
        return { atSeconds, does: 'scale', vnf, pool: pool.name, to: pool.min + below(pool.max - pool.min + 1) };
      }
    }
  }

  function wrongAt(atSeconds: number): Act {
    const { vnf } = pick(vnfs);
    switch (below(12)) {
      case 0:
        return { atSeconds, does: 'hostDies', host: below(20) };
      case 1:
        return { atSeconds, does: 'hostReturns', host: below(20) };
      case 2:
      case 3:
        return { atSeconds, does: 'memberDies', vnf, member: below(20) };
      case 4:
        return { atSeconds, does: 'workerDies' };
      case 5:
        return { atSeconds, does: 'workerStops', seconds: 5 + below(200) };
      case 6:
        return { atSeconds, does: 'temporalAway', seconds: 1 + below(60) };
      case 7:
        return { atSeconds, does: 'cancel', run: below(8) };
      case 8:
        return { atSeconds, does: 'terminateRun', run: below(8) };
      case 9:
        return { atSeconds, does: 'reset', run: below(8), ...(seed >= peopleFrom && { keptPercent: 1 + below(100) }) };
      default:
        return { atSeconds, does: 'callStruck', afterCalls: below(20), times: 1 + below(3), strike: strike() };
    }
  }

  /** What a person does who sees all this, or has caused it. */
  function personAt(atSeconds: number): Act[] {
    const soon = atSeconds + 1 + below(20);
    const { vnf } = pick(vnfs);
    switch (below(8)) {
      case 0:
        return [
          { atSeconds, does: 'evacuate', host: below(20), cause: below(2) === 0 ? 'maintenance' : 'failed' },
          { atSeconds: soon, does: 'reset', run: below(8), keptPercent: 1 + below(100) },
        ];
      case 1:
      case 2:
        return [{ atSeconds, does: 'audit', vnf, repair: below(2) === 0 }];
      case 3:
      case 4:
        return [askedAt(atSeconds), troubleAt(soon), ...[1, 2].map(() => askedAt(atSeconds + 300 + below(4_000)))];
      default: {
        const adopted = soon + below(100);
        const again = below(4) === 0 ? [{ atSeconds: adopted + below(60), does: 'adopt', vnf } as const] : [];
        return [
          { atSeconds, does: 'recordDies', vnf },
          { atSeconds: adopted, does: 'adopt', vnf },
          ...again,
          askedAt(adopted + below(60)),
          { atSeconds: adopted + 20 + below(60), does: 'audit', vnf, repair: true },
        ];
      }
    }
  }

  function troubleAt(atSeconds: number): Act {
    return {
      ...{ atSeconds, does: 'troubled', run: below(8), trouble: below(2) === 0 ? 'undoFails' : 'cloudFails' },
      ...{ cleanUps: below(4) === 0, answer: pick(['retried', 'skipped', 'givenUp', 'unanswered']) },
      afterSeconds: below(3_000),
    };
  }

  function strike(): CallStrike {
    const moment = below(2) === 0 ? 'before' : 'after';
    switch (below(4)) {
      case 0:
        return { kind: 'late', milliseconds: 1_000 + below(60_000) };
      case 1:
        return refusal(pick([500, 503, 429]), moment);
      default:
        return { kind: 'lost', moment };
    }
  }
}

/** What is told to come later (429) has had no effect, wherever it comes from: RFC 6585. */
function refusal(status: number, moment: 'before' | 'after'): CallStrike {
  return { kind: 'status', status, moment: status === 429 ? 'before' : moment };
}

/** The story as a person would tell it, a line each. */
export function told({ seed, hosts, racks, as, vnfs, acts }: Story): string[] {
  const zones = Object.entries(hosts).map(([zone, many]) => {
    const said = racks?.[zone]?.map((rack) => rack ?? 'no rack').join(', ');
    return `${String(many)} hosts in ${zone}${said === undefined ? '' : ` (${said})`}`;
  });
  const there = vnfs.map(({ vnf, pools }) => {
    const said = pools.map(
      ({ name, zone, spare, rackSpare, min, initial, max, serial, evacuates }) =>
        `${name} (${zone}, ${String(min)}-${String(initial)}-${String(max)}, spare ${String(spare)}` +
        `${rackSpare === undefined ? '' : `, of a rack ${String(rackSpare)}`}${serial ? ', serial' : ''}${evacuates ? ', evacuates' : ''})`,
    );
    return `${vnf}: ${said.join(', ')}`;
  });
  return [
    `seed ${String(seed)}: ${zones.join(', ')}${as ? `, as a ${as}` : ''}`,
    ...there,
    ...acts.map(({ atSeconds, does, ...rest }) => {
      const details = Object.entries(rest).map(
        ([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
      );
      return `${String(atSeconds).padStart(5)} s  ${does} ${details.join(', ')}`;
    }),
  ];
}
