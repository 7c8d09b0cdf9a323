import { z } from 'zod';
import { failureDomainSchema, list, lists, name, networkMap, poolSchema, ruleSchema, sizeSchema } from './schema';

/**
 * What can be read of a descriptor, whatever is wrong with the rest: the parts that `contradictions.ts` holds against each
 * other. A part that does not parse is undefined, and keeps its place, so that paths stay those of the input; a number
 * that does not parse is NaN, with which no comparison holds. Unknown keys do not matter here.
 */

const pool = poolSchema.shape;
const size = sizeSchema.shape;
const unread = { min: NaN, initial: NaN, max: NaN };

const reference = orUndefined(name('a name'));

const legiblePool = z.object({
  name: orUndefined(pool.name),
  size: z
    .object({ min: size.min.catch(NaN), initial: size.initial.catch(NaN), max: size.max.catch(NaN) })
    .catch(unread),
  spare: orUndefined(pool.spare),
  failureDomain: orUndefined(z.object({ spare: orUndefined(failureDomainSchema.shape.spare) })),
  belowShare: orUndefined(pool.belowShare),
  networks: list(reference, lists.networks).catch([]),
  dependsOn: list(reference, lists.dependsOn).catch([]),
  securityRules: list(orUndefined(z.object({ from: orUndefined(ruleSchema.shape.from) })), lists.securityRules).catch(
    [],
  ),
});

const legibleDescriptor = z.object({
  networks: orUndefined(networkMap.transform((networks) => Object.keys(networks))),
  pools: list(legiblePool.catch(legiblePool.parse({})), lists.pools).catch([]),
});

export type LegiblePool = z.infer<typeof legiblePool>;
export type LegibleDescriptor = z.infer<typeof legibleDescriptor>;

const nothing: LegibleDescriptor = { networks: undefined, pools: [] };

export function legible(input: unknown): LegibleDescriptor {
  return legibleDescriptor.catch(nothing).parse(input);
}

function orUndefined<T extends z.ZodType>(schema: T): z.ZodCatch<z.ZodOptional<T>> {
  return schema.optional().catch(undefined);
}
