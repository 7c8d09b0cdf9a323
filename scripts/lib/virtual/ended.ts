import { ApplicationFailure } from '@temporalio/common';
import type { Note } from '../../../checker/story';
import type { RunStatus } from './temporal';

/** How a run ended, as a caller is told. A run that was taken away is `vanished`. */
export interface Ended {
  readonly outcome: 'completed' | 'refused' | 'unwound' | 'stuck' | 'cancelled' | 'vanished';
  readonly kind?: string;
  readonly message?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
}

/** How a request ended, for the checker. */
export function outcomeNote(
  { id, procedure }: { readonly id: string; readonly procedure: string },
  ended: Ended,
): Extract<Note, { kind: 'outcome' }> {
  const { outcome, kind } = ended;
  const short = procedure === 'rebalance' ? shortIn(ended) : [];
  const dead = procedure === 'adopt' ? deadIn(ended) : [];
  const left = procedure === 'evacuateHost' ? leftIn(ended) : [];
  return {
    ...{ kind: 'outcome', id, outcome },
    ...(kind !== undefined && { failure: kind }),
    ...(short.length > 0 && { short: [...short] }),
    ...(dead.length > 0 && { dead: [...dead] }),
    ...(left.length > 0 && { left: [...left] }),
  };
}

/** Pools that it says it could not bring to what they must be. */
export function shortIn({ result }: Ended): readonly string[] {
  const { short = [] } = (result ?? {}) as { readonly short?: readonly { readonly pool: string }[] };
  return short.map(({ pool }) => pool);
}

/** Members that an adopt says it has taken for dead, by name. */
function deadIn({ result }: Ended): readonly string[] {
  const { members = [] } = (result ?? {}) as {
    readonly members?: readonly { readonly name: string; readonly inService: boolean }[];
  };
  return members.filter(({ inService }) => !inService).map(({ name }) => name);
}

/** Members that an evacuation says it has left where they are, by name. */
function leftIn({ result }: Ended): readonly string[] {
  const { unrecorded = {} } = (result ?? {}) as { readonly unrecorded?: Readonly<Record<string, readonly string[]>> };
  return Object.values(unrecorded).flat();
}

export function endOfFailure(status: RunStatus, error: Error): Ended {
  if (status === 'CANCELLED') return { outcome: 'cancelled' };
  if (status === 'TERMINATED') return { outcome: 'vanished' };
  if (!(error instanceof ApplicationFailure)) throw error;
  const details = (error.details?.[0] ?? {}) as { outcome?: 'refused' | 'unwound' | 'stuck' };
  return {
    outcome: details.outcome ?? 'refused',
    message: error.message,
    details,
    ...(typeof error.type === 'string' && { kind: error.type }),
  };
}
