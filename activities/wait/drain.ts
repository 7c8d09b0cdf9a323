import type { Dependencies } from '../dependencies';
import type { WaitActivities } from '../ports';
import { refuseLostTurn } from '../turn';

/** Out of service already: what these members still serve is let finish. */
export function drainActivity({ service }: Dependencies): WaitActivities['drain'] {
  return async ({ turn, members, drainSeconds, timing }) => {
    refuseLostTurn(turn);
    await service.drain({ members, drainSeconds, pace: timing.pace });
  };
}
