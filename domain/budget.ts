import { z } from 'zod';

/**
 * How many calls a cloud gets, of all workers together. Each worker has a share, for a time: what all of them hold never sums up to
 * more than the total, whoever comes, goes, dies or is not heard of. A worker that comes gets what is free; the others are told to
 * come down to their fair part, say when they have, and then the rest is given.
 */

const totalSchema = z.strictObject({
  /** Under way at once. Null: not limited. */
  calls: z.number().int().min(1).nullable(),
  /** Begun within any one second. Null: not limited. */
  perSecond: z.number().int().min(1).nullable(),
});
export type BudgetTotal = z.infer<typeof totalSchema>;

const amountsSchema = z.strictObject({
  calls: z.number().int().min(0).nullable(),
  perSecond: z.number().int().min(0).nullable(),
});
/** Of what is not limited, null. */
export type Amounts = z.infer<typeof amountsSchema>;

export const shareAskSchema = z.strictObject({
  /** Of this process alone. */
  worker: z.string().min(1).max(255),
  /** 1, 2, 3 …: one that comes late says what was true once, and changes nothing. */
  number: z.number().int().min(1),
  total: totalSchema,
  /** What it may still be using at this moment: less than its share where it has come down. */
  holds: amountsSchema,
  /** For how long it needs what it is given, as `leaseSecondsOf` says. */
  leaseSeconds: z.number().int().min(1).max(600),
  /** It stops: its share is free at once. */
  leaves: z.boolean().default(false),
});
export type ShareAsk = z.input<typeof shareAskSchema>;

export interface ShareGiven {
  readonly share: Amounts;
  /** What is fair among those that are there. Below the share: to come down to, and to say so. Above: to ask again for. */
  readonly fair: Amounts;
}

export interface Share {
  readonly worker: string;
  /** Of the last that it asked. */
  readonly number: number;
  readonly total: BudgetTotal;
  readonly amounts: Amounts;
  /** ISO 8601. After this it is free, since its worker begins nothing so late that it would still be under way. */
  readonly until: string;
}

export interface Budget {
  readonly shares: readonly Share[];
  /** Until then nothing is given: shares of a budget that was terminated may still be in use. ISO 8601, or null. */
  readonly closedUntil: string | null;
}

/** A worker begins calls for this long from when it asked for its share. */
export const useSeconds = 12;

/**
 * The share is held for so long from when it was given: the last call that was begun is over by then, and counts no more for the second
 * after it. `callSeconds`: what a call takes at most.
 */
export function leaseSecondsOf(callSeconds: number): number {
  return useSeconds + Math.ceil(callSeconds) + 2;
}

/** With calls of the longest that there are. */
export const leaseSecondsMost = leaseSecondsOf(20);

/** A part is left for who comes next: it can begin at once, and is not without any while the others come down, or have died. */
const reserveShare = 0.1;

function reserveOf(total: number): number {
  return total < 2 ? 0 : Math.max(1, Math.floor(total * reserveShare));
}

const keys = ['calls', 'perSecond'] as const;

/** `now` as ISO 8601. */
export function giveShare(
  { shares, closedUntil }: Budget,
  ask: z.output<typeof shareAskSchema>,
  now: string,
): { budget: Budget; given: ShareGiven } {
  const live = shares.filter(({ until }) => until > now);
  const own = live.find(({ worker }) => worker === ask.worker);
  if (own && own.number >= ask.number)
    return { budget: { shares, closedUntil }, given: { share: own.amounts, fair: own.amounts } };
  const others = live.filter((share) => share !== own);
  if (ask.leaves) {
    const nothing = { calls: 0, perSecond: 0 };
    return { budget: { shares: others, closedUntil }, given: { share: nothing, fair: nothing } };
  }
  const isClosed = closedUntil !== null && closedUntil > now;
  // Who is there longest has the lowest place: the first ones get what cannot be divided.
  const place = own ? live.indexOf(own) : others.length;
  const fair: Record<(typeof keys)[number], number | null> = { calls: null, perSecond: null };
  const share: Record<(typeof keys)[number], number | null> = { calls: null, perSecond: null };
  for (const key of keys) {
    const total = leastOf([ask.total, ...others.map((each) => each.total)], key);
    if (total === null) continue;
    const divided = Math.max(total - reserveOf(total), Math.min(total, others.length + 1));
    const part = Math.floor(divided / (others.length + 1)) + (place < divided % (others.length + 1) ? 1 : 0);
    const kept = own ? Math.min(own.amounts[key] ?? total, ask.holds[key] ?? total) : 0;
    const taken = others.reduce((sum, { amounts }) => sum + (amounts[key] ?? total), 0);
    const free = isClosed ? 0 : Math.max(0, total - taken - kept);
    fair[key] = part;
    share[key] = kept + Math.min(Math.max(0, part - kept), free);
  }
  const until = new Date(Date.parse(now) + ask.leaseSeconds * 1_000).toISOString();
  const mine: Share = { worker: ask.worker, number: ask.number, total: ask.total, amounts: share, until };
  const kept = own ? live.map((each) => (each === own ? mine : each)) : [...others, mine];
  return { budget: { shares: kept, closedUntil: isClosed ? closedUntil : null }, given: { share, fair } };
}

/** While workers with other settings are exchanged one after the other, the least of what they were told holds. */
function leastOf(totals: readonly BudgetTotal[], key: (typeof keys)[number]): number | null {
  const told = totals.flatMap((total) => total[key] ?? []);
  return told.length === 0 ? null : Math.min(...told);
}

export const shareUpdateName = 'share';

export interface BudgetInput {
  /** Where one was there before, its shares may still be in use. */
  readonly waits?: boolean;
  readonly budget?: Budget;
}
