import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { CloudConfigError } from './errors';

/** `process.env`, or what stands for it. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * clouds.yaml where every OpenStack program looks for it, with what secure.yaml beside it adds: passwords that are kept apart.
 * https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html#config-files
 */
export function cloudFromFile(env: Env, name: string): unknown {
  const places = placesOf(env);
  const file = places.find((place) => existsSync(place));
  if (file === undefined) {
    throw new CloudConfigError(`OS_CLOUD is ${name}, and there is no clouds.yaml in any of ${places.join(', ')}`);
  }
  const clouds = cloudsIn(file);
  const cloud = clouds[name];
  if (cloud === undefined) {
    throw new CloudConfigError(`${file} has no cloud ${name}; it has ${Object.keys(clouds).join(', ')}`);
  }
  const secure = join(dirname(file), 'secure.yaml');
  return existsSync(secure) ? merged(cloud, cloudsIn(secure)[name]) : cloud;
}

/** A file that is named and not there is not replaced by another in silence. */
function placesOf(env: Env): string[] {
  if (env['OS_CLIENT_CONFIG_FILE'] !== undefined) return [env['OS_CLIENT_CONFIG_FILE']];
  const directories = [process.cwd(), join(env['HOME'] ?? homedir(), '.config/openstack'), '/etc/openstack'];
  return directories.flatMap((directory) => ['clouds.yaml', 'clouds.yml'].map((file) => join(directory, file)));
}

function cloudsIn(file: string): Readonly<Record<string, unknown>> {
  const parsed = z.object({ clouds: z.record(z.string(), z.unknown()) }).safeParse(yamlIn(file));
  if (!parsed.success) throw new CloudConfigError(`${file} has no map of "clouds"`);
  return parsed.data.clouds;
}

function yamlIn(file: string): unknown {
  const text = textOf(file, 'the file');
  try {
    // Its own report would show the lines around the mistake, and one of them may be the password.
    return parse(text, { merge: true, prettyErrors: false, logLevel: 'silent' });
  } catch (error) {
    const at = error instanceof YAMLParseError ? text.slice(0, error.pos[0]).split('\n').length : undefined;
    throw new CloudConfigError(`${file} is not YAML${at === undefined ? '' : `: look at line ${String(at)}`}`);
  }
}

export function textOf(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new CloudConfigError(`${what} ${file} cannot be read: ${code}`);
  }
}

function merged(base: unknown, more: unknown): unknown {
  if (!isMap(base) || !isMap(more)) return more ?? base;
  const keys = new Set([...Object.keys(base), ...Object.keys(more)]);
  return Object.fromEntries([...keys].map((key) => [key, merged(base[key], more[key])]));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
