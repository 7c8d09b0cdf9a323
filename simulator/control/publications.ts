import { z } from 'zod';
import type { Publication } from '../model';
import { Refusal } from '../routing';

/** Who serves, as it is published. Kept apart from the cloud, so that whoever stands in for it answers the same. */

export const publicationSchema = z.object({
  vnf: z.string(),
  revision: z.number().int(),
  stage: z.union([z.literal(1), z.literal(2)]),
  service: z.record(z.string(), z.array(z.string())),
});

/** The latest of each VNF. */
export type Publications = Map<string, Publication>;

/** Takes it in, unless one with a pair of revision and stage as high was taken in before: a repeat or a late one does no harm. */
export function accept(
  publications: Publications,
  { vnf, revision, stage, service }: z.infer<typeof publicationSchema>,
): boolean {
  const last = publications.get(vnf);
  const newer = !last || revision > last.revision || (revision === last.revision && stage > last.stage);
  if (newer) publications.set(vnf, { revision, stage, service });
  return newer;
}

/** Or 400, which says what is wrong: a fault that is misspelt would never come, and nobody would know. */
export function checked<T>(schema: z.ZodType<T>, body: unknown): T {
  const { success, data, error } = schema.safeParse(body ?? {});
  if (success) return data;
  const problems = error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  );
  throw new Refusal(400, problems.join('; '));
}
