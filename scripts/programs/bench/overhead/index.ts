import { Client, Connection } from '@temporalio/client';
import { connectBulkhead } from '../../../../client';
import { leftOf, removeAll } from '../../../lib/cloud/external/inventory';
import { saveHistories } from '../../../lib/histories';
import { bareSide, bestPosting, type Posting } from './bare';
import { openGround, type Ground, type GroundOptions } from './ground';
import { findStack, heatSide, removeStack } from './heat';
import { oursSide, type Ours } from './ours';
import { ratiosOf, type Ratio, type Sample } from './ratios';
import type { Move, Played, Procedure, Side } from './side';
import { subjectOf } from './subject';

/**
 * `./scripts/bench overhead`: how much longer than a script without any care the product takes on the same cloud, for the same servers
 * and ports on the same hosts. Round by round: the product plays all procedures and removes everything, then each side beside it does.
 */

export interface OverheadOptions extends GroundOptions {
  readonly vms: number;
  /** Of the pool of so many VMs. */
  readonly zone: string;
  readonly rounds: number;
  readonly descriptor?: string;
  readonly procedures: readonly Procedure[];
  /** Of the bare script, with ports in bulk; looked for where it is not given. */
  readonly concurrency?: number;
  readonly heat: boolean;
  /** A directory for the history of every run, to see where the time goes. */
  readonly histories?: string;
  readonly say: (line: string) => void;
}

const vnf = 'bench';
const bareVnf = 'bench-bare';
const stackName = 'bulkhead-bench';
/** No more than this is brought up to warm the product up, and to look for the concurrency. */
const warmVmsMax = 8;

export async function measureOverhead(options: OverheadOptions): Promise<Ratio[]> {
  const ground = await openGround(options);
  let clean = false;
  try {
    await refuseOthers(ground, options.heat);
    clean = true;
    return ratiosOf(await playRounds(ground, options), ground.as);
  } finally {
    await leave(ground, clean, options);
  }
}

/** What is removed in the end must be what was made here. */
async function refuseOthers({ session }: Ground, heat: boolean): Promise<void> {
  const left = [...(await leftOf(session, vnf)), ...(await leftOf(session, bareVnf))];
  const stack = heat ? await findStack(session, stackName) : null;
  if (stack !== null) left.push(`stack ${stack}`);
  if (left.length > 0) throw new Error(`the cloud has things of these names already, delete them: ${left.join(', ')}`);
}

async function playRounds(ground: Ground, options: OverheadOptions): Promise<Sample[]> {
  const { session, stack, as, pace } = ground;
  const { signal, say } = options;
  const { address } = stack.temporal;
  const connection = await Connection.connect({ address });
  const temporal = new Client({ connection });
  const bulkhead = await connectBulkhead({ address });
  const product = { bulkhead, temporal, vnf, signal };
  try {
    const subject = subjectOf(options);
    const small = subjectOf({ vms: Math.min(options.vms, warmVmsMax), zone: options.zone });
    const warm = await playOurs(ground, oursSide({ ...product, subject: small }), {
      procedures: ['instantiate'],
      say,
    });
    const common = { session, vnf: bareVnf, as, pace, signal };
    const posting = await postingOf(options, {
      as,
      search: () => bestPosting({ ...common, subject: small }, { members: warm[0]?.move.launches ?? [], say }),
    });
    const sides: Side[] = [
      await bareSide({ ...common, subject, posting }),
      ...(options.heat ? [heatSide({ session, subject, stack: stackName, signal })] : []),
    ];
    const samples: Sample[] = [];
    for (let round = 1; round <= options.rounds; round++) {
      say(`round ${String(round)} of ${String(options.rounds)} …`);
      try {
        samples.push(...(await playRound(ground, { ours: oursSide({ ...product, subject }), sides, options })));
      } catch (error) {
        // Told to stop: whole rounds are worth something.
        if (!signal.aborted || samples.length === 0) throw error;
        break;
      }
    }
    return samples;
  } finally {
    if (options.histories !== undefined && !signal.aborted) await saveHistories(temporal, options.histories);
    await bulkhead.close();
    await connection.close();
  }
}

async function postingOf(
  { concurrency }: OverheadOptions,
  of: { as: Ground['as']; search: () => Promise<Posting> },
): Promise<Posting> {
  // Creates in one server group that are under way together end in ERROR.
  if (of.as === 'tenant') return { concurrency: 1, ports: 'bulk' };
  return concurrency === undefined ? await of.search() : { concurrency, ports: 'bulk' };
}

type OurPlay = Played & { readonly move: Move };

async function playRound(
  ground: Ground,
  of: { ours: Ours; sides: readonly Side[]; options: OverheadOptions },
): Promise<Sample[]> {
  const { say } = of.options;
  const ours = await playOurs(ground, of.ours, of.options);
  const samples: Sample[] = [];
  for (const side of of.sides) samples.push(...(await playBeside(ground, side, { ours, say })));
  return samples;
}

async function playOurs(
  ground: Ground,
  side: Ours,
  of: { procedures: readonly Procedure[]; say: (line: string) => void },
): Promise<OurPlay[]> {
  const played: OurPlay[] = [];
  for (const procedure of of.procedures) {
    if (procedure === 'evacuateHost' && ground.hosts === null) continue;
    const ours = await side.play(procedure, (host) => kill(ground, host));
    of.say(`  bulkhead ${told(ours.move, ours)}`);
    await putBack(ground);
    played.push(ours);
  }
  await side.remove();
  await proveGone(ground, vnf);
  return played;
}

async function playBeside(
  ground: Ground,
  side: Side,
  of: { ours: readonly OurPlay[]; say: (line: string) => void },
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const ours of of.ours) {
    const { move } = ours;
    if (!side.plays.includes(move.procedure)) continue;
    if (move.host !== null) await kill(ground, move.host);
    const beside = await timed(side, move);
    of.say(`  ${side.name} ${told(move, beside)}`);
    await putBack(ground);
    samples.push({ procedure: move.procedure, vms: move.launches.length, beside: side.name, ours, theirs: beside });
  }
  await side.remove();
  await proveGone(ground, bareVnf);
  return samples;
}

async function timed(side: Side, move: Move): Promise<Played> {
  const began = performance.now();
  let servedSeconds = 0;
  await side.play(move, () => {
    servedSeconds = (performance.now() - began) / 1_000;
  });
  return { seconds: (performance.now() - began) / 1_000, servedSeconds };
}

function told({ procedure, launches, host }: Move, { seconds, servedSeconds }: Played): string {
  const what = `${procedure}${host === null ? '' : ` of ${host}`}, ${String(launches.length)} VMs`;
  return `${what}: in service after ${servedSeconds.toFixed(1)} s, done after ${seconds.toFixed(1)} s`;
}

async function kill({ hosts }: Ground, host: string): Promise<void> {
  if (hosts === null) throw new Error('there is no way to kill a host here');
  await hosts.kill(host);
}

async function putBack({ hosts }: Ground): Promise<void> {
  const problems = (await hosts?.putBack()) ?? [];
  if (problems.length > 0) throw new Error(problems.join('; '));
}

async function proveGone({ session }: Ground, name: string): Promise<void> {
  const left = await leftOf(session, name);
  if (left.length > 0) throw new Error(`${name} has left something: ${left.join(', ')}`);
}

/** However it ended: nothing of ours stays, hosts are as they were, and nothing runs any more. */
async function leave(ground: Ground, clean: boolean, { heat, say }: OverheadOptions): Promise<void> {
  const { stack, session, hosts } = ground;
  try {
    await stack.stopWorkers();
    const problems = (await hosts?.putBack()) ?? [];
    if (clean) {
      for (const name of [vnf, bareVnf])
        problems.push(...(await removeAll({ own: session, operator: null }, { vnf: name, servers: [] })));
      const found = heat ? await findStack(session, stackName) : null;
      if (found !== null) await removeStack(session, found);
    }
    for (const problem of problems) say(problem);
    if (problems.length > 0) throw new Error('not everything could be put back: see above');
  } finally {
    await stack.stop();
  }
}
