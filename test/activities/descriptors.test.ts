import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLab, smallDescriptor, type Lab } from './lab';

let lab: Lab;
let directory: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'descriptors-'));
  lab = await openLab();
});
afterEach(async () => {
  rmSync(directory, { recursive: true });
  await lab.close();
});

const refusal = (path: string, said: string): object => ({
  type: 'InvalidRequest',
  nonRetryable: true,
  message: expect.stringContaining(said) as string,
  details: [{ problems: expect.arrayContaining([expect.objectContaining({ path }) as object]) as unknown[] }],
});

async function load(descriptor: unknown): Promise<unknown> {
  return await lab.run('loadDescriptor', { descriptor });
}

describe('loadDescriptor', () => {
  test.each(readdirSync('descriptors').map((file) => file.replace('.yaml', '')))(
    '%s, which comes with the product, loads by its name',
    async (name) => {
      expect(await load(name)).toMatchObject({ name, pools: expect.any(Array) as unknown[] });
    },
  );

  test('one that is given whole is the same again', async () => {
    expect(await load(JSON.parse(JSON.stringify(smallDescriptor())))).toEqual(smallDescriptor());
  });

  test('an unknown name is refused with those that are known', async () => {
    await expect(load('clearwatre')).rejects.toMatchObject(refusal('descriptor', 'clearwater'));
  });

  test.each(['../package', '/etc/hosts', 'small.yaml', './small', 'sub/small', '..', ''])(
    '%j leads to no file: a name is no path',
    async (name) => {
      await expect(load(name)).rejects.toMatchObject(refusal('descriptor', 'there is no descriptor'));
    },
  );

  test('a directory that is not there has no descriptors, which is said at once', async () => {
    await lab.close();
    lab = await openLab({ descriptorsDirectory: join(directory, 'nowhere') });
    await expect(load('small')).rejects.toMatchObject(refusal('descriptor', 'there are none'));
  });

  test('a file with mistakes is refused with all of them', async () => {
    await lab.close();
    lab = await openLab({ descriptorsDirectory: directory });
    writeFileSync(join(directory, 'wrong.yaml'), 'name: wrong\nnetworks: {}\npools: [{ name: web, spare: lots }]\n');
    const failure = await load('wrong').catch((error: unknown) => error);
    expect(failure).toMatchObject(refusal('pools.0.spare', 'spare'));
    expect(failure).toMatchObject(refusal('pools.0.zone', 'zone'));
  });

  test('a file that is no YAML is refused', async () => {
    await lab.close();
    lab = await openLab({ descriptorsDirectory: directory });
    writeFileSync(join(directory, 'torn.yaml'), 'name: [torn\n');
    await expect(load('torn')).rejects.toMatchObject(refusal('(descriptor)', 'neither YAML nor JSON'));
  });
});

test('readTiming says what the worker was configured with', async () => {
  expect(await lab.run('readTiming', undefined as never)).toEqual(lab.timing);
});
