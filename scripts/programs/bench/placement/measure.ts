import { Session, type HeapProfiler } from 'node:inspector';
import { capacityOf } from '../../../../domain/explain/capacity';
import { plan, type PlanInput } from '../../../../domain/placement';
import { casesOf, type Case, type RequestName } from './cases';
import { sizes } from './cloud';
import { movesOf, optimumMovesOf } from './optimum';

/** What one request to one cloud took. */
export interface Measured {
  readonly request: RequestName;
  readonly hosts: number;
  readonly members: number;
  readonly pools: number;
  /** Of processor time, of all threads, the median: what it takes on one core that does nothing else. */
  readonly milliseconds: number;
  /** By how much one plan makes the heap grow while nothing is collected: all that it allocates. By sampling, so within a few per cent. */
  readonly megabytes: number;
  readonly outcome: string;
  readonly moves: number;
  /** The fewest that there can be; null where nobody can say. */
  readonly optimumMoves: number | null;
}

export interface Measuring {
  readonly hostsMost: number;
  readonly say: (line: string) => void;
}

export function measurePlacement({ hostsMost, say }: Measuring): Measured[] {
  return sizes
    .filter(({ hosts }) => hosts <= hostsMost)
    .flatMap((size) => {
      say(`${String(size.hosts)} hosts, ${String(size.members)} members …`);
      return casesOf(size).map(measureOne);
    });
}

function measureOne({ input, ...of }: Case): Measured {
  const { request, hosts, members, pools } = of;
  const isPlan = request !== 'capacity in racks';
  const work = isPlan ? () => plan(input) : () => capacityOf(input.record, input.snapshot);
  const milliseconds = timeOf(work);
  const megabytes = allocatedBy(work, Math.max(1, Math.round(sampleMilliseconds / milliseconds))) / 2 ** 20;
  return {
    ...{ request, hosts, members, pools },
    milliseconds: rounded(milliseconds),
    megabytes: rounded(megabytes),
    ...(isPlan ? plannedOf(input) : { outcome: 'told', moves: 0, optimumMoves: null }),
  };
}

function plannedOf(input: PlanInput): Pick<Measured, 'outcome' | 'moves' | 'optimumMoves'> {
  const planned = plan(input);
  return {
    outcome: planned.ok ? 'planned' : planned.refusal.kind,
    moves: planned.ok ? movesOf(planned.plan) : 0,
    optimumMoves: planned.ok ? optimumMovesOf(input, planned.plan) : null,
  };
}

const warmUpMilliseconds = 400;
const samples = 9;
/** Of what takes so long, fewer are enough. */
const longMilliseconds = 500;
const samplesOfLong = 3;
/** A sample is of as many plans as fill this, since a clock of processor time has grains. */
const sampleMilliseconds = 10;

function timeOf(work: () => unknown): number {
  let plans = 0;
  const warmed = processorMilliseconds();
  while (processorMilliseconds() - warmed < warmUpMilliseconds || plans < samplesOfLong) {
    work();
    plans += 1;
  }
  const each = (processorMilliseconds() - warmed) / plans;
  const repeats = Math.max(1, Math.round(sampleMilliseconds / each));
  const taken = each > longMilliseconds ? samplesOfLong : samples;
  const times = Array.from({ length: taken }, () => {
    const begun = processorMilliseconds();
    for (let at = 0; at < repeats; at++) work();
    return (processorMilliseconds() - begun) / repeats;
  }).sort((a, b) => a - b);
  return times[Math.floor(taken / 2)] ?? 0;
}

function processorMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** In bytes, on the average of so many. */
function allocatedBy(work: () => unknown, repeats: number): number {
  const session = new Session();
  session.connect();
  try {
    const options = {
      samplingInterval: 4_096,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    };
    session.post('HeapProfiler.startSampling', options);
    for (let at = 0; at < repeats; at++) work();
    let head: HeapProfiler.SamplingHeapProfileNode | undefined;
    // The answer is there when the call returns.
    session.post('HeapProfiler.stopSampling', (_, { profile }) => {
      head = profile.head;
    });
    return head ? bytesOf(head) / repeats : 0;
  } finally {
    session.disconnect();
  }
}

function bytesOf({ selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number {
  return children.reduce((sum, child) => sum + bytesOf(child), selfSize);
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
