import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { casesAt, play } from '../../lib/virtual/enumerate';
import { specs } from '../../lib/virtual/specs';
import { node, notNormal } from './child';
import type { Mutant } from './mutants';
import { planted } from './planted';

/** What the faults bring to light: every so many-th of them is tried on a copy of the build, until one tells. */

/** As `./scripts/faults --json` says a case that is not as promised; one without a fault has neither fault nor moment. */
const caseSchema = z.object({
  case: z.string(),
  procedure: z.string(),
  fault: z.string().optional(),
  moment: z.number().optional(),
  problems: z.array(z.string()),
});
export type Told = z.infer<typeof caseSchema>;

/** The first case that is not as promised when the defect is planted, or null where all are. */
export async function firstTold(mutant: Mutant, every: number, stop: AbortSignal): Promise<Told | null> {
  const directory = planted(mutant);
  try {
    const program = join(directory, 'dist/scripts/programs/faults/main.js');
    const args = [program, '--json', '--first', '--every', String(every)];
    const ended = await node(args, { cwd: directory, stop });
    const lines = ended.stdout.split('\n').filter((line) => line.startsWith('{'));
    const said = lines.flatMap((line) => caseSchema.safeParse(JSON.parse(line)).data ?? []);
    // It exits with 1 where it has found something, and also where it has failed itself.
    if (ended.code !== (said.length > 0 ? 1 : 0)) throw notNormal(args, ended);
    return said[0] ?? null;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A case that the product itself fails would tell of anything. One that there is not without the defect is no such case. */
export async function failsAsItIs({ procedure, fault, moment }: Told): Promise<boolean> {
  const spec = specs.find(({ name }) => name === procedure);
  if (!spec) throw new Error(`there is no procedure ${procedure}`);
  const clean = await play(spec);
  if (clean.problems.length > 0) return true;
  const same = casesAt(spec, clean).find((each) => each.fault === fault && each.moment === moment);
  return same !== undefined && (await play(spec, same)).problems.length > 0;
}
