import type { Member } from '../record';
import { countOf } from './batches';
import { looksDead, type Ground } from './ground';
import { takeFromTallest } from './tallest';

/**
 * Who leaves where a pool is to have fewer members, all chosen together. In this order:
 *
 * 1. On each host, those above the cap of the new level.
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
  /** Whether more may leave than that, and be replaced, so that it is the dead and the doubted who do. */
  readonly mayReplace: boolean;
}

export function chooseVictims(ground: Ground, choice: Choice): { kept: Member[]; leaving: Member[] } {
  const { failed, cap, mayReplace } = choice;
  const excess = Math.max(0, choice.excess);
  const crowded = [...countOf(choice.members.map(({ host }) => host)).values()].some((many) => many > cap);
  if (excess === 0 && !crowded) return { kept: [...choice.members], leaving: [] };
  const doubts = new Map(choice.members.map((member) => [member, doubtOf(ground, member)]));
  const doubt = (member: Member): Doubt => doubts.get(member) ?? 0;
  const byHost = new Map<string, Member[]>();
  for (const member of [...choice.members].sort((a, b) => doubt(a) - doubt(b) || a.ordinal - b.ordinal)) {
    const there = byHost.get(member.host);
    if (there) there.push(member);
    else byHost.set(member.host, [member]);
  }
  const leaving = [...byHost.values()].flatMap((there) => there.splice(cap));
  const doubted = choice.members.filter((member) => doubt(member) > 0).length;
  const doubtedAbove = leaving.filter((member) => doubt(member) > 0).length;
  const unfit = failed.length + doubted - doubtedAbove;
  const left = Math.max(0, excess - leaving.length);
  let more = mayReplace ? Math.max(left, Math.min(excess - doubtedAbove, unfit)) : left;
  leaving.push(...failed.slice(0, more));
  more -= Math.min(failed.length, more);
  for (const worst of [2, 1, 0] as const) {
    if (more === 0) break;
    const gone = new Set<Member>();
    for (const member of takeFromTallest(
      stacksOf(byHost, (each) => doubt(each) === worst),
      newestFirst,
    )) {
      if (gone.size === more) break;
      gone.add(member);
    }
    more -= gone.size;
    leaving.push(...gone);
    for (const [host, there] of byHost)
      byHost.set(
        host,
        there.filter((member) => !gone.has(member)),
      );
  }
  return { kept: [...byHost.values()].flat(), leaving };
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
