import { CancellationScope } from '@temporalio/workflow';
import { summary } from '../../domain/markdown';
import { failure } from '../../domain/failure';
import type { RestoreHostPlan, RestoreHostResult } from '../../domain/procedures';
import type { Timing } from '../../domain/timing';
import { asFailure, toApplicationFailure } from '../failures';
import { parseInput } from '../input';
import { cloud, record as recordPort, waiting } from '../ports';
import { mark } from '../progress';
import { marked } from './change';
import { holdHosts } from './holdHosts';

/**
 * Opens hosts to scheduling again that evacuateHost has closed, once they are up, and takes back that it has forced them down.
 * `{"hosts": ["cmp-03"]}`
 *
 * Nobody else does: a host that comes back after its members were replaced must not get new ones before somebody has looked at it.
 * Hosts that are open already are left as they are, so that it may be run again. It moves no member.
 *
 * | step | undo |
 * | --- | --- |
 * | look: refused where somebody else has closed a host, or forced it down | nothing to undo |
 * | mutex for each host, in name order; look again | released when the run ends, however it ends |
 * | un-force, and wait until they are up | none: what is not up is `down` in Nova all the same, and still closed; the next run goes on from there |
 * | open those that are up | none: it is what was asked for |
 */
export async function restoreHost(raw: unknown): Promise<RestoreHostResult | RestoreHostPlan> {
  const input = parseInput('restoreHost', raw);
  const hosts = [...new Set(input.hosts)].sort();
  mark({ hosts, phase: 'asking' });
  return await marked(async () => {
    const timing = await recordPort().readTiming();
    const { closed, fenced, down = [] } = await look(hosts, timing);
    const said = { procedure: 'restoreHost', hosts } as const;
    if (input.dryRun) {
      mark({ phase: 'ended', outcome: 'completed' });
      const opened = closed.filter((host) => !down.includes(host));
      return { outcome: 'planned', ...said, opened, unforced: fenced, down };
    }
    return await holdHosts(hosts, async () => {
      const found = await look(hosts, timing);
      mark({ phase: 'restoring' });
      if (found.closed.length > 0) await restore(found, { waitSeconds: input.waitSeconds, timing });
      mark({ phase: 'ended', outcome: 'completed' });
      return { outcome: 'completed', ...said, opened: found.closed, unforced: found.fenced };
    });
  });
}

interface Found {
  readonly closed: readonly string[];
  readonly fenced: readonly string[];
  /** Workers of earlier releases do not say so. */
  readonly down?: readonly string[];
}

function look(hosts: readonly string[], timing: Timing): Promise<Found> {
  return cloud(timing).lookAtClosed.executeWithOptions({ summary: summary(`look at ${hosts.join(', ')}`) }, [
    { hosts },
  ]);
}

/** Those that are up are opened, also where others are not: each host is for itself. */
async function restore(
  { closed, fenced }: Found,
  { waitSeconds, timing }: { waitSeconds: number; timing: Timing },
): Promise<void> {
  const { forced, down } = await waiting(timing, waitSeconds)
    .unfenceHosts.executeWithOptions({ summary: summary(`until ${closed.join(', ')} are up`) }, [
      { hosts: closed, occurrence: null, alsoUnmarked: [], untilUp: true, forSeconds: waitSeconds, timing },
    ])
    .catch(halfDone(closed));
  const away = closed.filter((host) => forced.includes(host) || down.includes(host));
  const back = closed.filter((host) => !away.includes(host));
  if (back.length > 0)
    await CancellationScope.nonCancellable(() =>
      cloud(timing)
        .reopenHosts.executeWithOptions({ summary: summary(`open ${back.join(', ')} to scheduling`) }, [
          { hosts: back, occurrence: null, timing },
        ])
        .catch(halfDone(closed)),
    );
  if (away.length === 0) return;
  const refused = forced.length > 0 ? ` Nova refuses to un-force ${forced.join(', ')} as long as that is so.` : '';
  const others = back.length > 0 ? ` ${back.join(', ')} is open.` : '';
  mark({ phase: 'ended', outcome: 'unwound' });
  throw toApplicationFailure(
    failure(
      'CloudUnavailable',
      `${away.join(', ')} is not up after ${String(waitSeconds)} s, and stays closed.${refused}${others} Start its nova-compute and run restoreHost again.`,
      {
        left: away,
        forcedDown: forced,
        opened: back,
        unforced: fenced.filter((host) => !forced.includes(host)),
        remedy: 'Start nova-compute there and run restoreHost again, or wait longer with waitSeconds.',
      },
    ),
    'unwound',
  );
}

/** It has begun, and so it is not refused, whatever the cloud has let it do. */
function halfDone(hosts: readonly string[]): (error: unknown) => never {
  return (error) => {
    const reason = asFailure(error);
    if (reason === undefined) throw error;
    mark({ phase: 'ended', outcome: 'unwound' });
    const remedy = 'Run restoreHost again: what is open by now stays so.';
    throw toApplicationFailure(
      { ...reason, message: `${reason.message} ${remedy}`, details: { ...reason.details, left: hosts, remedy } },
      'unwound',
      error instanceof Error ? error : undefined,
    );
  };
}
