import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from './root';

/** A descriptor of `descriptors/`, as data and unchecked: for those that must not rely on the product's own parsing. */
export function readDescriptor(name: string): unknown {
  return parse(readFileSync(join(root, 'descriptors', `${name}.yaml`), 'utf8')) as unknown;
}

/** The descriptor in a file that a person named; null where there is no such file and it may be a name. */
export function readDescriptorFile(path: string): Record<string, unknown> | null {
  return existsSync(path) ? (parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : null;
}
