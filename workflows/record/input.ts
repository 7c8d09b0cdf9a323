import { z } from 'zod';
import { vnfSchema } from '../../domain/procedures';
import { askSchema } from '../../domain/turn';

/**
 * What a record begins with, as far as one begun by hand may lack it and would stand still over that, with its VNF's id taken. The rest is as
 * the activity that makes records has parsed it.
 */

const list = z.array(z.unknown());
const whatever = z.record(z.string(), z.unknown());
const descriptor = z.looseObject({ pools: z.array(z.looseObject({ name: z.string() })) });
/** Of it any workflow needs this first. */
export const timingSchema = z.looseObject({ mutateSeconds: z.number().positive() });

const start = z.looseObject({
  vnf: vnfSchema,
  descriptor,
  timing: timingSchema,
  ask: askSchema,
  revision: z.number().int().nonnegative().optional(),
});

/** Of a record that was continued as new. */
const state = z.looseObject({
  schema: z.literal(1),
  vnf: vnfSchema,
  descriptor,
  timing: timingSchema,
  phase: z.string(),
  revision: z.number().int().nonnegative(),
  pools: whatever,
  ...{ groups: list, debts: list, queue: list, vanished: list, occurrences: list },
  turn: whatever.nullable(),
});

export const recordInputSchema = z.union([z.object({ state }), start]);
