import { memberName } from '../../domain/names';
import type { Service } from '../../domain/record';
import type { Dependencies } from '../dependencies';
import type { CloudActivities } from '../ports';
import { refuseLostTurn } from '../turn';

/** Old and new together, then new: additions before removals. Where both are the same, once is enough. */
export function publishActivity({ service }: Dependencies): CloudActivities['publish'] {
  return async ({ turn, vnf, publication }) => {
    refuseLostTurn(turn);
    const { revision, during, after } = publication;
    const same = JSON.stringify(sorted(during)) === JSON.stringify(sorted(after));
    if (!same) await service.publish({ vnf, revision, stage: 1, service: named(vnf, during) });
    await service.publish({ vnf, revision, stage: 2, service: named(vnf, after) });
  };
}

function sorted(given: Service): [string, number[]][] {
  return Object.entries(given)
    .map(([pool, ordinals]): [string, number[]] => [pool, [...ordinals].sort((a, b) => a - b)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function named(vnf: string, given: Service): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(given).map(([pool, ordinals]) => [pool, ordinals.map((ordinal) => memberName(vnf, pool, ordinal))]),
  );
}
