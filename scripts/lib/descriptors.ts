import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from './root';

/** A descriptor of `descriptors/`, as data and unchecked: for those that must not rely on the product's own parsing. */
export function readDescriptor(name: string): unknown {
  return parse(readFileSync(join(root, 'descriptors', `${name}.yaml`), 'utf8')) as unknown;
}
