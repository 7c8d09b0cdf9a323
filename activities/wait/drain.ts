import type { Dependencies } from '../dependencies';
import type { DrainActivities } from '../ports';
import { refuseLostTurn } from '../turn';

/** Out of service already: what these members still serve is let finish. */
export function drainActivity({ service }: Dependencies): DrainActivities['drain'] {
  return async ({ turn, members, drainSeconds, timing }) => {
    refuseLostTurn(turn);
    await service.drain({ members, drainSeconds, pace: timing.pace });
  };
}
