import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { root } from '../../scripts/lib/root';

/**
 * The gate of every change to a workflow: what released versions recorded is replayed by this one. A run that is in flight while
 * workers are renewed goes on from such a history. Recorded by `./scripts/demo --histories`, and never edited.
 */
interface Recorded {
  readonly workflowId: string;
  readonly history: { readonly events: Record<string, unknown>[] };
}

const directory = join(__dirname, 'histories');
const recorded = readdirSync(directory).flatMap((release) =>
  readdirSync(join(directory, release)).map((file) => ({ release, file })),
);

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

function read({ release, file }: { release: string; file: string }): Recorded {
  return JSON.parse(readFileSync(join(directory, release, file), 'utf8')) as Recorded;
}

async function replay({ workflowId, history }: Recorded): Promise<void> {
  const workflowBundle = { codePath: join(root, 'dist/workers/workflow-bundle.js') };
  await Worker.runReplayHistory({ workflowBundle }, historyFromJSON(history), workflowId);
}

test.each(recorded)('$release: $file replays', async (each) => {
  await replay(read(each));
});

test('every procedure, the record and the clean-up have a recorded history', () => {
  const types = new Set(recorded.map(({ file }) => file.split('-')[0]));
  const needed = [
    'instantiate',
    'scaleOut',
    'scaleIn',
    'heal',
    'evacuateHost',
    'evacuateVnf',
    'terminate',
    'restoreHost',
    'adopt',
  ];
  for (const type of [...needed, 'vnf', 'audit', 'hostMutex']) expect(types).toContain(type);
});

/** Another activity than the code asks for, in the place of the first of this name. */
function tampered(given: Recorded, from: string, to: string): Recorded {
  const text = JSON.stringify(given);
  const changed = text.replace(`"activityType":{"name":"${from}"}`, `"activityType":{"name":"${to}"}`);
  expect(changed).not.toBe(text);
  return JSON.parse(changed) as Recorded;
}

test.each([
  ['scaleOut-1.json', 'launch', 'remove'],
  ['terminate-1.json', 'publish', 'launch'],
  ['vnf-1.json', 'watch', 'publish'],
])('a tampered history does not: %s with %s turned into %s', async (file, from, to) => {
  const [release = ''] = readdirSync(directory);
  await expect(replay(tampered(read({ release, file }), from, to))).rejects.toThrow(/TMPRL1100/);
});
