import { choicesOf } from './choices';
import type { PlanInput } from '../placement';
import type { Plan } from '../plan';
import { remediesOf } from './remedies';
import { seenHosts } from './seenHosts';
import type { Told } from './told';

/** How many hosts, and how many reasons host by host, may be told. */
export interface ToldMost {
  readonly hosts: number;
  readonly reasons: number;
}

/** A result must fit into a history: of very many hosts the reasons are counted, and not all listed. */
export const toldMost: ToldMost = { hosts: 2_000, reasons: 10_000 };

export function toldOf(input: PlanInput, plan: Plan, most: ToldMost): Told {
  const chosen = [...plan.batches, ...(plan.moves ?? [])].flatMap(({ rows }) => rows.map(({ host }) => host));
  const { hosts, more } = seenHosts(input.record, input.snapshot, { most: Math.max(0, most.hosts), chosen });
  return {
    hosts,
    moreHosts: more,
    choices: choicesOf(input, plan, most.reasons),
    remedies: plan.unplaced.length > 0 ? remediesOf(input) : [],
  };
}
