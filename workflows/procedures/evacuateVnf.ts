import { patched, workflowInfo } from '@temporalio/workflow';
import { isShort, outOfService, type Deaths } from '../../domain/bury';
import { summary } from '../../domain/markdown';
import type { DryRunResult, ProcedureResult } from '../../domain/procedures';
import { memberName, own } from '../../domain/names';
import type { MemberRef, Onto } from '../../domain/plan';
import type { VnfRecord } from '../../domain/record';
import type { Timing } from '../../domain/timing';
import { openChannel } from '../channel';
import { asFailure } from '../failures';
import { parseInput } from '../input';
import { cloud, record as recordPort } from '../ports';
import { mark } from '../progress';
import type { Table } from '../run';
import { committed, isAllEvacuated } from '../steps/commit';
import { deadRemoved } from '../steps/deadFirst';
import { evacuated, hearsCancels } from '../steps/evacuate';
import { launched } from '../steps/launch';
import { planned } from '../steps/plan';
import { published, settled } from '../steps/settle';
import { change, ended, marked, nothingDone } from './change';
import { dryRun, goesAsTheRun } from './dryRun';
import { takeOutOfService } from './heal';

/**
 * One VNF's part of evacuateHost: its members on these hosts are replaced elsewhere, or evacuated where their pools and the
 * caller say so, in a turn of its own. It finishes also when the evacuateHost that started it is gone.
 *
 * Where nobody but the dead is left of it there and the quota carries nothing beside them, they are deleted first, as a heal does, and with no
 * undo. That comes behind the evacuation, which needs no quota: whoever it fails for may be among them then.
 */
export const evacuateVnfTable: Table = {
  back: [planned, evacuated, deadRemoved, launched],
  isThrough: (turn) => isAllEvacuated(turn) && hearsCancels(),
  pivot: committed,
  forward: [published, settled],
};

export async function evacuateVnf(raw: unknown): Promise<ProcedureResult | DryRunResult> {
  const input = parseInput('evacuateVnf', raw);
  const { vnf, hosts, cause, fenced, foundThere = [], onto, ifBusy, waitSeconds } = input;
  const of = { hosts, foundThere };
  const procedure = 'evacuateVnf';
  mark({ vnf, hosts, phase: 'asking' });
  return await marked(async () => {
    const channel = openChannel(vnf);
    const view = await recordPort().readRecord({ vnf });
    const request = { kind: 'emptyHosts', hosts, cause, fenced } as const;
    if (input.dryRun) {
      const record =
        cause === 'failed' && goesAsTheRun()
          ? await withoutThoseOn(view, { ...of, timing: await recordPort().readTiming() })
          : view;
      return await dryRun({ procedure, record, request, runId: workflowInfo().runId });
    }
    const isThere = membersOn(view, of).length > 0;
    if (!isThere && !mayComeThere(of) && !restoresWhatLacks(view, cause))
      return ended({ ...nothingDone(procedure, vnf), revision: view.revision });
    if (isThere && cause === 'failed') await buryThoseOn(channel, view, of);
    const wish = { procedure, class: cause === 'failed' ? 'urgent' : 'normal', ifBusy, waitSeconds } as const;
    return await change({
      procedure,
      vnf,
      channel,
      wish,
      table: evacuateVnfTable,
      request: ({ record }) => {
        if (membersOn(record, of).length > 0)
          return { ...request, ...(onto && { onto: placesLeft(onto, view, record) }) };
        return restoresWhatLacks(record, cause) ? { kind: 'replaceMembers', members: [], partial: true } : null;
      },
    });
  });
}

/** Whoever has the turn may be launching there, and its members be in no record yet: what came of that is seen when it has ended. */
function mayComeThere({ foundThere }: Concerned): boolean {
  return foundThere.length > 0 && patched('found-launching');
}

/** A run before may have deleted the dead, and have come no further. */
function restoresWhatLacks(record: VnfRecord, cause: 'failed' | 'maintenance'): boolean {
  return cause === 'failed' && isShort(record) && patched('evacuate-what-lacks');
}

/** Those of the places that were found for it which no member has taken since. */
function placesLeft(onto: Onto, before: VnfRecord, { pools }: VnfRecord): Onto {
  const left = Object.entries(onto).map(([pool, hosts]): [string, string[]] => {
    const first = own(before.pools, pool)?.nextOrdinal ?? 0;
    const rest = [...hosts];
    for (const { ordinal, host } of own(pools, pool)?.inService ?? []) {
      const at = ordinal >= first ? rest.indexOf(host) : -1;
      if (at >= 0) rest.splice(at, 1);
    }
    return [pool, rest];
  });
  return Object.fromEntries(left);
}

/** Of which members it is to do, as far as the record and evacuateHost know; activities look where they are. */
interface Concerned {
  readonly hosts: readonly string[];
  readonly foundThere: readonly string[];
}

/**
 * Out of service before the turn. Those that the cloud shows dead in any number; on the caller's word alone at most k of
 * a pool: where that is refused, they leave when their replacements are there.
 */
async function buryThoseOn(channel: ReturnType<typeof openChannel>, view: VnfRecord, of: Concerned): Promise<void> {
  const deaths = await deathsOn(view, { ...of, timing: await recordPort().readTiming() });
  try {
    await takeOutOfService(channel, deaths);
  } catch (error) {
    if (asFailure(error)?.kind !== 'InvalidRequest') throw error;
  }
}

/** The record without those whom `buryThoseOn` would take out of service: for a dry run. */
export async function withoutThoseOn<R extends VnfRecord>(view: R, of: DeathsAsked): Promise<R> {
  if (membersOn(view, of).length === 0) return view;
  return outOfService(view, await deathsOn(view, of)).record;
}

interface DeathsAsked extends Concerned {
  readonly timing: Timing;
  /** As if the hosts had been forced down. */
  readonly fence?: boolean;
}

/** Whom the cloud has on another host lives. */
async function deathsOn(view: VnfRecord, of: DeathsAsked): Promise<Deaths> {
  const { vnf } = view;
  const { hosts, fence, timing } = of;
  const members = membersOn(view, of);
  const { dead, alive } = await cloud(timing).findDead.executeWithOptions(
    { summary: summary(`find the dead on ${hosts.join(', ')}`) },
    [{ vnf, record: view, members, hosts, ...(fence !== undefined && { fence }) }],
  );
  return { dead, told: alive };
}

function membersOn(record: VnfRecord, { hosts, foundThere }: Concerned): MemberRef[] {
  return Object.values(record.pools).flatMap((pool) =>
    [...pool.inService, ...pool.failed]
      .filter(
        ({ pool: name, ordinal, host }) =>
          hosts.includes(host) || foundThere.includes(memberName(record.vnf, name, ordinal)),
      )
      .map(({ pool: name, ordinal }) => ({ pool: name, ordinal })),
  );
}
