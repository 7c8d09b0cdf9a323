import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { root } from '../../lib/root';
import { node, notNormal } from './child';
import type { Mutant } from './mutants';

/** What the planner does wrong, no fault need bring about: one property of every plan is tried on a copy of its sources. */

export interface Property {
  readonly file: string;
  /** As jest says it: what it is described under, and its own name. */
  readonly name: string;
}

/** So many cases at most. A defect is to be found in few. */
const cases = '300';

const said = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()) }),
      ),
    }),
  ),
});

/** What the property says when the defect is planted, or null where it holds all the same. */
export async function brokenBy(mutant: Mutant, property: Property, stop: AbortSignal): Promise<string | null> {
  const { name } = property;
  const failures = await tryIn([property], mutant, stop);
  const [first] = failures.get(name) ?? [];
  return first === undefined ? null : `${name}: ${countIn(first)}`;
}

/** A property that the product itself breaks would catch anything. */
export async function holdsAsItIs(properties: readonly Property[], stop: AbortSignal): Promise<void> {
  const failures = await tryIn(properties, null, stop);
  for (const [name, messages] of failures)
    if (messages.length > 0) throw new Error(`"${name}" does not hold of the product as it is: ${messages.join('\n')}`);
}

/** The failures of each of the properties, none where it holds. That one was not tried at all is an error. */
async function tryIn(
  properties: readonly Property[],
  mutant: Mutant | null,
  stop: AbortSignal,
): Promise<Map<string, readonly string[]>> {
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-mutant-'));
  try {
    for (const each of [
      'domain',
      'test/domain',
      'test/property.ts',
      'test/sequencer.js',
      'jest.config.js',
      'package.json',
    ])
      cpSync(join(root, each), join(directory, each), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
    if (mutant) {
      const source = readFileSync(join(root, mutant.file), 'utf8');
      writeFileSync(join(directory, mutant.file), source.replace(mutant.from, mutant.to));
    }
    const only = `^(${properties.map(({ name }) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})$`;
    const files = [...new Set(properties.map(({ file }) => file))];
    const jest = join(directory, 'node_modules/jest/bin/jest.js');
    const cache = ['--cacheDirectory', join(directory, '.cache')];
    const args = [jest, '-i', '--json', ...cache, '-t', only, ...files];
    const env = { ...process.env, BULKHEAD_PROPERTY_RUNS: cases };
    const ended = await node(args, { cwd: directory, env, stop });
    if (!ended.stdout.startsWith('{')) throw notNormal(args, ended);
    const results = said.parse(JSON.parse(ended.stdout)).testResults.flatMap((each) => each.assertionResults);
    return new Map(
      properties.map(({ name }) => {
        const result = results.find(({ fullName, status }) => fullName === name && status !== 'pending');
        if (!result) throw new Error(`no test is called "${name}": bring scripts/programs/mutants up to date`);
        return [name, result.failureMessages];
      }),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** After how many cases it was found: the first line of what fast-check says. */
function countIn(message: string): string {
  return /Property failed after \d+ tests/.exec(message)?.[0] ?? message.split('\n')[0] ?? '';
}
