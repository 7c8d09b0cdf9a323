import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from './root';

/** A descriptor of `descriptors/`, as data and unchecked: for those that must not rely on the product's own parsing. */
export function readDescriptor(name: string): unknown {
  return parse(readFileSync(join(root, 'descriptors', `${name}.yaml`), 'utf8')) as unknown;
}

/**
 * What a person named: the descriptor in that file, or the name itself where it is no file and does not look like one.
 * Throws what is wrong with it in words for a person.
 */
export function descriptorNamed(text: string): Record<string, unknown> | string {
  if (!existsSync(text) || statSync(text).isDirectory()) {
    if (/[/\\]|\.(ya?ml|json)$/.test(text)) throw new Error(`there is no file ${text}`);
    return text;
  }
  let parsed: unknown;
  try {
    parsed = parse(readFileSync(text, 'utf8'));
  } catch (error) {
    throw new Error(
      `${text} cannot be read: ${(error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''}`,
      {
        cause: error,
      },
    );
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  throw new Error(`${text} holds no descriptor: it is to be a YAML or JSON object, as descriptors/small.yaml`);
}
