import { parse as parseYaml } from 'yaml';
import { contradictions, type Problem } from './contradictions';
import type { Descriptor } from './descriptor';
import { descriptorSchema } from './schema';

export type ParsedDescriptor =
  | { readonly ok: true; readonly descriptor: Descriptor }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A descriptor as data (from YAML, JSON, or parsed before). Refused with all its problems in one go. */
export function parseDescriptor(input: unknown): ParsedDescriptor {
  const parsed = descriptorSchema.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({
            path: [...issue.path, key].join('.'),
            message: `there is no such key; remove ${key}, or look for a misspelling`,
          }))
        : [{ path: issue.path.join('.') || '(descriptor)', message: issue.message }],
    );
    return { ok: false, problems: [...problems, ...contradictionsOfWhatParses(input)] };
  }
  const problems = contradictions(parsed.data);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, descriptor: parsed.data };
}

/** YAML or JSON text: JSON is YAML. */
export function parseDescriptorText(text: string): ParsedDescriptor {
  try {
    return parseDescriptor(parseYaml(text));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [{ path: '(descriptor)', message: `this is neither YAML nor JSON: ${message}` }] };
  }
}

/**
 * All problems in one go, also where something else does not parse: unknown keys are dropped, and the pools that parse are
 * held against each other.
 */
function contradictionsOfWhatParses(input: unknown): readonly Problem[] {
  const repaired = withoutUnknownKeys(input, 5);
  const parsed = descriptorSchema.safeParse(repaired);
  return parsed.success ? contradictions(parsed.data) : [];
}

function withoutUnknownKeys(input: unknown, tries: number): unknown {
  const parsed = descriptorSchema.safeParse(input);
  if (parsed.success || tries === 0) return input;
  const copy = structuredClone(input);
  let removed = false;
  for (const issue of parsed.error.issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const parent = issue.path.reduce<unknown>((at, key) => (isObject(at) ? at[String(key)] : undefined), copy);
    if (!isObject(parent)) continue;
    for (const key of issue.keys) {
      removed = true;
      Reflect.deleteProperty(parent, key);
    }
  }
  return removed ? withoutUnknownKeys(copy, tries - 1) : input;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
