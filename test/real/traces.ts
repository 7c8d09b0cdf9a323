import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Payload, PayloadCodec } from '@temporalio/common';
import type { World } from './world';

/** Everything that a run leaves behind where others can read it, as text, by where it is. */
export type Traces = ReadonlyMap<string, string>;

/**
 * What Temporal stores (its database as it lies on the disk, and histories, memos, search attributes and pending failures as its API shows them),
 * what programs have logged, what a worker tells Prometheus, and how every process on this machine was started. With a codec payloads are read as those who have the key do.
 */
export async function tracesOf(
  world: World,
  given: { dbFile: string; codec?: PayloadCodec; metricsAddress?: string },
): Promise<Traces> {
  const traces = new Map<string, string>();
  for (const file of [given.dbFile, `${given.dbFile}-wal`])
    if (existsSync(file)) traces.set(`database ${file.slice(given.dbFile.length)}`, readFileSync(file, 'latin1'));
  for (const file of readdirSync(world.stack.directory).filter((name) => name.endsWith('.log')))
    traces.set(`log ${file}`, readFileSync(join(world.stack.directory, file), 'utf8'));
  // Past the client, which would want to read the memos.
  const { workflowService: temporal } = world.client;
  const { executions } = await temporal.listWorkflowExecutions({ namespace });
  for (const { execution, ...listed } of executions) {
    if (!execution) continue;
    const [{ history }, described] = await Promise.all([
      temporal.getWorkflowExecutionHistory({ namespace, execution }),
      temporal.describeWorkflowExecution({ namespace, execution }),
    ]);
    const texts = await Promise.all([history, listed, described].map((part) => textsIn(part, given.codec)));
    traces.set(`run ${execution.workflowId ?? ''}`, texts.flat().join('\n'));
  }
  if (given.metricsAddress !== undefined) {
    const answer = await fetch(`http://${given.metricsAddress}/metrics`);
    traces.set('metrics', await answer.text());
  }
  traces.set('processes', processes().join('\n'));
  return traces;
}

const namespace = 'default';

/** How every process was started, arguments included. Empty where there is no /proc. */
function processes(): string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}

/** All that stands in a message of Temporal's: texts, names, and bytes as they are and decoded from base64. */
async function textsIn(value: unknown, codec?: PayloadCodec): Promise<string[]> {
  if (typeof value === 'string') return [value, ...unwrapped(value)];
  if (value instanceof Uint8Array) {
    const text = Buffer.from(value).toString('utf8');
    return [text, ...unwrapped(text)];
  }
  if (Array.isArray(value)) return (await Promise.all(value.map((item) => textsIn(item, codec)))).flat();
  if (typeof value !== 'object' || value === null) return [];
  const readable =
    codec && 'metadata' in value && 'data' in value ? (await codec.decode([value as Payload]))[0] : value;
  const entries = Object.entries(readable ?? {});
  return [
    ...entries.map(([name]) => name),
    ...(await Promise.all(entries.map(([, item]) => textsIn(item, codec)))).flat(),
  ];
}

function unwrapped(text: string): string[] {
  return [...text.matchAll(/[A-Za-z0-9+/_-]{16,}={0,2}/g)].map(([each]) =>
    Buffer.from(each, 'base64').toString('utf8'),
  );
}

/** Where any form of this text is found: as it is, in JSON, in a URL, in base64. */
export function foundIn(traces: Traces, text: string): string[] {
  const forms = [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), ...base64Forms(text)];
  return [...traces].flatMap(([where, what]) => (forms.some((form) => what.includes(form)) ? [where] : []));
}

/** In base64 a text looks different by where it begins; what surrounds it changes its ends. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), Buffer.from(text)])
      .toString('base64')
      .replaceAll('=', '');
    return whole.slice(before === 0 ? 0 : before + 1, -2);
  });
}
