import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { coresdk } from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { shareUpdateName } from '../../domain/budget';
import { childStuckSignal } from '../../domain/stuck';
import { signalNames } from '../../domain/turn';
import { root } from '../../scripts/lib/root';
import { activityNames } from '../../workers/compose';
import { changed, changes, type Change } from '../real/releases';
import { activitiesIn, closingOf, inWords, receivedIn, sentIn, updatesIn } from './names';
import { waysIn } from './ways';

/**
 * The gate of every change to a workflow: what released versions recorded is replayed by this one. A run that is in flight while
 * workers are renewed goes on from such a history. Recorded by `./scripts/demo --histories` and
 * test/procedures/ways.test.ts, and never edited.
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

const codePath = join(root, 'dist/workers/workflow-bundle.js');

/** With the code as it is, or as it would be with a change. */
async function replay({ workflowId, history }: Recorded, change?: Change): Promise<void> {
  const workflowBundle = change ? { code: changed(readFileSync(codePath, 'utf8'), change) } : { codePath };
  const said = listenToWorkflows();
  try {
    await Worker.runReplayHistory({ workflowBundle }, historyFromJSON(history), workflowId);
    expectSignals(
      said.signals,
      sentIn(history).map((sent) => inWords(sent)),
    );
  } catch (error) {
    throw new Error(whatToDo(workflowId, error), { cause: error });
  } finally {
    said.end();
  }
}

/** Which signals a worker's workflows send meanwhile, and to whom: the SDK compares that one is sent where one was, and not which. */
function listenToWorkflows(): { readonly signals: string[]; readonly end: () => void } {
  const { WorkflowActivationCompletion } = coresdk.workflow_completion;
  const encode = WorkflowActivationCompletion.encodeDelimited.bind(WorkflowActivationCompletion);
  const signals: string[] = [];
  const spy = jest.spyOn(WorkflowActivationCompletion, 'encodeDelimited').mockImplementation((message, writer) => {
    for (const { signalExternalWorkflowExecution: signal } of message.successful?.commands ?? [])
      if (signal) signals.push(inWords(signal, signal.childWorkflowId));
    return encode(message, writer);
  });
  return {
    signals,
    end: () => {
      spy.mockRestore();
    },
  };
}

/** One that was ended by force may have been about to send more. */
function expectSignals(sent: readonly string[], recorded: readonly string[]): void {
  const other = recorded.findIndex((signal, index) => sent[index] !== signal);
  if (other !== -1)
    throw new Error(
      `[TMPRL1100] Nondeterminism: signal ${String(other + 1)} was ${recorded[other] ?? ''}, and is ${sent[other] ?? 'none'}`,
    );
}

/** For the person who has just changed a step. */
function whatToDo(workflowId: string, error: unknown): string {
  return [
    `A run that an earlier release has begun (${workflowId}) cannot go on with this code: it does other things, or in another order.`,
    `  ${error instanceof Error ? error.message : String(error)}`,
    'If that was not meant, put the order back. If it was, let runs from before go the old way, and new ones the new:',
    "  if (patched('what-has-changed')) { /* as it is to be */ } else { /* as it was */ }",
    'A history is never edited, nor recorded anew. See docs/upgrading.md, "Changing what a workflow does".',
  ].join('\n');
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
    'rebalance',
    'adopt',
    'capacity',
    'orphans',
  ];
  for (const type of [...needed, 'vnf', 'audit', 'hostMutex', 'cloudBudget']) expect(types).toContain(type);
});

function sourceOfWorkflows(): string {
  const directory = join(root, 'workflows');
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(directory, file), 'utf8'))
    .join('\n');
}

/** The names of what is defined there, each of which is a literal or a constant that is known here. */
function definedInSource(define: 'defineSignal' | 'defineUpdate'): string[] {
  const known: Readonly<Record<string, readonly string[]>> = {
    childStuckSignal: [childStuckSignal],
    shareUpdateName: [shareUpdateName],
    // Of workflows/channel.ts; what the record hears by its default handler is said there as well.
    name: Object.values(signalNames),
  };
  const source = sourceOfWorkflows();
  const found = [...source.matchAll(new RegExp(`\\b${define}(?:<[^(]*>)?\\(([^)]*)\\)`, 'g'))];
  if (found.length !== source.split(new RegExp(`\\b${define}[<(]`)).length - 1)
    throw new Error(`a ${define} in workflows/ does not say its name in one word`);
  return found.flatMap(([text, given = '']) => {
    const names = /^'[^']+'$/.test(given) ? [given.slice(1, -1)] : known[given];
    if (!names) throw new Error(`${text}: test/replay/replay.test.ts does not know which names that is`);
    return names;
  });
}

const signals = definedInSource('defineSignal');
const histories = recorded.map((each) => read(each).history);

test.each<[what: string, needed: readonly string[], seen: readonly string[]]>([
  ['activity', activityNames, histories.flatMap(activitiesIn)],
  ['signal, as it comes,', signals, histories.flatMap(receivedIn)],
  [
    'signal, as it is sent,',
    // That one is a person's.
    signals.filter((name) => name !== signalNames.audit),
    histories.flatMap(sentIn).map(({ signalName }) => signalName ?? ''),
  ],
  ['update', definedInSource('defineUpdate'), histories.flatMap(updatesIn)],
  ['way to end', ['COMPLETED', 'FAILED', 'CANCELED', 'TERMINATED', 'CONTINUED_AS_NEW'], histories.map(closingOf)],
])('every %s is in a recorded history', (_what, needed, seen) => {
  expect(needed.length).toBeGreaterThan(3);
  const missing = [...new Set(needed)].filter((name) => !seen.includes(name));
  if (missing.length > 0)
    throw new Error(
      `No history in test/replay/histories has ${missing.join(', ')}: a change of what comes before and after it would fail nothing. Play it ` +
        'in test/procedures/ways.test.ts, and add what that records. See docs/upgrading.md, "Changing what a workflow does".',
    );
});

test('a record that continued as new is, and so is what it continued as', () => {
  const records = recorded.filter(({ file }) => file.startsWith('vnf-')).map((each) => read(each));
  const continued = records.filter(({ history }) => closingOf(history) === 'CONTINUED_AS_NEW');
  const into = continued.map(({ history }) => history.events.at(-1) as unknown as Continued);
  const begun = records.map(({ history }) => history.events[0] as unknown as Begun);
  const runIds = begun.map((each) => each.workflowExecutionStartedEventAttributes.originalExecutionRunId);
  expect(into.length).toBeGreaterThan(0);
  for (const { workflowExecutionContinuedAsNewEventAttributes: as } of into)
    expect(runIds).toContain(as.newExecutionRunId);
});

interface Continued {
  readonly workflowExecutionContinuedAsNewEventAttributes: { readonly newExecutionRunId: string };
}

interface Begun {
  readonly workflowExecutionStartedEventAttributes: { readonly originalExecutionRunId: string };
}

/** All `patched` in workflows/, by what they say: calls, and the ids that are written there. */
function patchesInSource(): { readonly calls: number; readonly ids: string[] } {
  const source = sourceOfWorkflows();
  const ids = [...source.matchAll(/\bpatched\('([^']+)'\)/g)].flatMap(([, id]) => id ?? []);
  return { calls: source.split(/\bpatched\(/).length - 1, ids };
}

const patches = patchesInSource();
const gone = new Set(recorded.flatMap((each) => waysIn(read(each).history)));

test.each([...new Set(patches.ids)])('a recorded history goes the way of %s', (id) => {
  if (!gone.has(id))
    throw new Error(
      `No history in test/replay/histories has the marker of '${id}': a changed order in there would fail nothing. Play it in ` +
        'test/procedures/ways.test.ts, and add what that records. See docs/upgrading.md, "Changing what a workflow does".',
    );
});

test('each `patched` says its id in plain letters', () => {
  expect(patches.ids).toHaveLength(patches.calls);
});

interface Started {
  readonly workflowExecutionStartedEventAttributes?: {
    readonly input?: { readonly payloads: { readonly data: string }[] };
  };
}

/** What its caller asked. */
function askedOf({ history }: Recorded): { readonly dryRun?: boolean } {
  const [started] = history.events as readonly Started[];
  const [payload] = started?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return JSON.parse(Buffer.from(payload?.data ?? '', 'base64').toString()) as { dryRun?: boolean };
}

test('and dry runs have', () => {
  const dryRuns = recorded.filter((each) => askedOf(read(each)).dryRun);
  const types = new Set(dryRuns.map(({ file }) => file.split('-')[0]));
  expect([...types].sort()).toEqual(['evacuateHost', 'heal', 'rebalance', 'scaleIn', 'scaleOut', 'terminate']);
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

/** Another signal than the code sends, in the place of the first of this name. */
function withOtherSignal({ workflowId, history }: Recorded, from: string, to: string): Recorded {
  const key = 'signalExternalWorkflowExecutionInitiatedEventAttributes';
  const isIt = (event: Record<string, unknown>): boolean =>
    (event[key] as { signalName?: string } | undefined)?.signalName === from;
  const at = history.events.findIndex(isIt);
  expect(at).toBeGreaterThan(0);
  const events = history.events.map((event, index) =>
    index === at ? { ...event, [key]: { ...(event[key] as object), signalName: to } } : event,
  );
  return { workflowId, history: { events } };
}

test.each([
  ['evacuateVnf-1.json', 'yield', 'done'],
  ['vnf-1.json', 'granted', 'denied'],
])('nor does one with other signals: %s with %s turned into %s', async (file, from, to) => {
  const [release = ''] = readdirSync(directory);
  const said = new RegExp(`TMPRL1100.*was ${to} to .*, and is ${from} to `);
  await expect(replay(withOtherSignal(read({ release, file }), from, to))).rejects.toThrow(said);
});

const words = /cannot go on with this code.*TMPRL1100.*put the order back.*patched\(.*docs\/upgrading\.md/s;

test.each([
  ['a procedure with another order of steps', 'scaleOut-1.json', changes.stepOrder],
  ['a record that does something more', 'vnf-1.json', changes.recordBare],
  ['a newer way with another order of steps', 'terminate-4.json', changes.newerWay],
] as const)('%s does not replay, and it is said what to do', async (_what, file, change) => {
  const [release = ''] = readdirSync(directory);
  await expect(replay(read({ release, file }), change)).rejects.toThrow(words);
});

test('a record that does it behind `patched` does', async () => {
  const [release = ''] = readdirSync(directory);
  await replay(read({ release, file: 'vnf-1.json' }), changes.recordPatched);
});
