import { grouped } from '../grouped';
import type { Member } from '../record';
import { countOf } from './batches';
import { looksDead, type DomainOf, type Ground } from './ground';
import { takeFromTallest } from './tallest';

/**
 * Who leaves where a pool is to have fewer members, all chosen together. In this order:
 *
 * 1. On each host, and then in each failure domain, those above the cap of the new level.
 * 2. The dead of the record, then members of whom the snapshot doubts that they serve, as many as are to leave in all. Where the first
 *    rule has taken healthy ones in their place, each of these costs one more launch.
 * 3. From the fullest host first, so that the largest share stays least; among equals the newest.
 *
 * On one host it is those that are doubted most, then the newest.
 */
export interface Choice {
  readonly members: readonly Member[];
  /** Dead, out of service, and counted in the level. */
  readonly failed: readonly Member[];
  /** How many of both are to leave: what there is less the new level. */
  readonly excess: number;
  readonly cap: number;
  readonly domains?: { readonly cap: number; readonly of: DomainOf };
  /** Whether more may leave than that, and be replaced, so that it is the dead and the doubted who do. */
  readonly mayReplace: boolean;
}

export function chooseVictims(ground: Ground, choice: Choice): { kept: Member[]; leaving: Member[] } {
  const { failed, cap, mayReplace } = choice;
  const excess = Math.max(0, choice.excess);
  if (excess === 0 && !isCrowded(choice)) return { kept: [...choice.members], leaving: [] };
  const doubts = new Map(choice.members.map((member) => [member, doubtOf(ground, member)]));
  const doubt = (member: Member): Doubt => doubts.get(member) ?? 0;
  const byHost = grouped(
    [...choice.members].sort((a, b) => doubt(a) - doubt(b) || a.ordinal - b.ordinal),
    ({ host }) => host,
  );
  const leaving = [...byHost.values()].flatMap((there) => there.splice(cap));
  leaving.push(...takeFromCrowdedDomains(byHost, choice, doubt));
  const doubted = choice.members.filter((member) => doubt(member) > 0).length;
  const doubtedAbove = leaving.filter((member) => doubt(member) > 0).length;
  const unfit = failed.length + doubted - doubtedAbove;
  const left = Math.max(0, excess - leaving.length);
  const more = mayReplace ? Math.max(left, Math.min(excess - doubtedAbove, unfit)) : left;
  const dead = failed.slice(0, more);
  leaving.push(...dead, ...takeUnfitFirst(byHost, more - dead.length, doubt));
  return { kept: [...byHost.values()].flat(), leaving };
}

type ByHost = Map<string, Member[]>;

function isCrowded({ members, cap, domains }: Choice): boolean {
  const isAbove = (units: readonly (string | null)[], most: number): boolean =>
    [...countOf(units.filter((each) => each !== null)).values()].some((many) => many > most);
  const hosts = members.map(({ host }) => host);
  return isAbove(hosts, cap) || (domains !== undefined && isAbove(hosts.map(domains.of), domains.cap));
}

/** What they lose is gone from their hosts. */
function takeFromCrowdedDomains(byHost: ByHost, { domains }: Choice, doubt: (member: Member) => Doubt): Member[] {
  if (!domains) return [];
  const within = new Map<string, ByHost>();
  for (const [host, there] of byHost) {
    const domain = domains.of(host);
    if (domain === null) continue;
    within.set(domain, (within.get(domain) ?? new Map<string, Member[]>()).set(host, there));
  }
  return [...within.values()].flatMap((hosts) => {
    const many = [...hosts.values()].reduce((sum, there) => sum + there.length, 0);
    const gone = takeUnfitFirst(hosts, Math.max(0, many - domains.cap), doubt);
    for (const [host, there] of hosts) byHost.set(host, there);
    return gone;
  });
}

/** Those that are doubted most, and of equals from the fullest host. */
function takeUnfitFirst(byHost: ByHost, many: number, doubt: (member: Member) => Doubt): Member[] {
  const leaving: Member[] = [];
  for (const worst of [2, 1, 0] as const) {
    if (leaving.length === many) break;
    const gone = new Set<Member>();
    for (const member of takeFromTallest(
      stacksOf(byHost, (each) => doubt(each) === worst),
      newestFirst,
    )) {
      if (gone.size === many - leaving.length) break;
      gone.add(member);
    }
    leaving.push(...gone);
    for (const [host, there] of byHost)
      byHost.set(
        host,
        there.filter((member) => !gone.has(member)),
      );
  }
  return leaving;
}

/** 2: its server or its host is down, or gone. 1: its host is closed to what is new. 0: nothing speaks against it. */
export type Doubt = 0 | 1 | 2;

export function doubtOf(ground: Ground, member: Member): Doubt {
  if (!ground.serverOf.has(member.serverId) || looksDead(ground, member)) return 2;
  return ground.hostNamed.get(member.host)?.enabled === false ? 1 : 0;
}

function stacksOf(
  byHost: ReadonlyMap<string, readonly Member[]>,
  mayGo: (member: Member) => boolean,
): { readonly height: number; readonly members: Member[] }[] {
  return [...byHost.values()].map((there) => ({ height: there.length, members: there.filter(mayGo) }));
}

function newestFirst(a: { readonly members: readonly Member[] }, b: { readonly members: readonly Member[] }): number {
  return (b.members.at(-1)?.ordinal ?? 0) - (a.members.at(-1)?.ordinal ?? 0);
}
