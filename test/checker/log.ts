import { check, type Part, type Violation } from '../../checker';
import type { Note } from '../../checker/story';
import { tag } from '../../domain/names';
import type { Resources } from '../../checker/world';
import type { CloudChange, CloudEvent } from '../../simulator/events';

type Change = CloudChange extends infer E ? (E extends CloudChange ? Omit<E, 'requestId'> : never) : never;

const hosts = ['h1', 'h2', 'h3', 'h4'];

/** A log that is written event by event. */
export class Log {
  readonly events: CloudEvent[] = [];

  /** Of all servers; each host has room for four. */
  readonly #size: { size?: Resources };

  /** `racks`: of h1, h2 …, where they are in one. `sized`: the log tells how much room there is. */
  constructor({ racks = [], sized = false }: { racks?: readonly string[]; sized?: boolean } = {}) {
    this.#size = sized ? { size: { vcpus: 1, ramMb: 1, diskGb: 1 } } : {};
    const size = sized && { size: { vcpus: 4, ramMb: 4, diskGb: 4 } };
    hosts.forEach((host, index) => {
      const state = { zone: 'mz', alive: true, up: true, enabled: true, forcedDown: false, disabledReason: null };
      const rack = racks[index];
      this.add({ type: 'host', host, ...state, ...size, ...(rack !== undefined && { domains: { rack } }) });
    });
  }

  /** A millisecond after the one before, unless more is let pass. */
  add(change: Change, requestId: string | null = null): void {
    const seq = this.events.length + 1;
    this.events.push({ seq, at: seq + this.#passedMs, requestId, ...change });
  }

  #passedMs = 0;
  pass(seconds: number): void {
    this.#passedMs += seconds * 1_000;
  }

  note(note: Note): void {
    this.add({ type: 'note', note });
  }

  /** A request, and the servers that it makes: one pool each, named `c` or as it is said. */
  instantiate(
    vnf: string,
    given: {
      pool?: string;
      spare?: number | string;
      rackSpare?: number | string;
      serial?: boolean;
      drainSeconds?: number;
      on: string;
    },
  ): void {
    const { pool = 'c', spare = 1, rackSpare, serial = false, drainSeconds = 0, on } = given;
    const many = on.split(' ').length;
    const spec = {
      name: pool,
      zone: 'mz',
      size: { min: many, initial: many, max: 20 },
      ...{ spare, serial, drainSeconds },
      belowShare: 'onePerHost',
      ...(rackSpare !== undefined && { failureDomain: { key: 'rack', spare: rackSpare } }),
    };
    const more = { flavor: 'f', image: 'i', networks: ['mgmt'] };
    const descriptor = { name: 'd', networks: { mgmt: { network: 'mgmt' } }, pools: [{ ...spec, ...more }] };
    this.note({ kind: 'request', id: `make ${vnf}`, procedure: 'instantiate', vnf, request: { descriptor } });
    on.split(' ').forEach((host, index) => {
      this.launch(vnf, `${pool}-${String(index + 1)}`, host);
    });
    // As long as a descriptor wants them to be ACTIVE that does not say.
    this.pass(10);
    this.publish(vnf, { [pool]: on.split(' ').map((_, index) => `${vnf}-${pool}-${String(index + 1)}`) });
    this.note({ kind: 'outcome', id: `make ${vnf}`, outcome: 'completed' });
  }

  launchAnywhere(vnf: string, member: string, host: string): void {
    this.launch(vnf, member, host, { requestedHost: null });
  }

  launch(
    vnf: string,
    member: string,
    host: string,
    given: { requestedHost?: string | null; id?: string; by?: string } = {},
  ): void {
    const { requestedHost = host, id = `${vnf}/${member}`, by = null } = given;
    this.build(vnf, member, requestedHost, { id, by });
    this.add({ type: 'server.placed', id, host });
    this.add({ type: 'server.state', id, state: 'ACTIVE', fault: null });
  }

  /** One that is asked for, and is nowhere yet. */
  build(
    vnf: string,
    member: string,
    requestedHost: string | null,
    { id = `${vnf}/${member}`, by = null }: { id?: string; by?: string | null } = {},
  ): void {
    const at = member.lastIndexOf('-');
    const tags = [tag.vnf(vnf), tag.pool(member.slice(0, at)), tag.ordinal(Number(member.slice(at + 1)))];
    const made = { id, name: `${vnf}-${member}`, project: 'p', flavor: 'f', zone: 'mz', portIds: [], ...this.#size };
    this.add({ type: 'server.created', ...made, tags: [...tags, tag.token('t')], requestedHost }, by);
  }

  #revision = 0;
  publish(vnf: string, service: Record<string, string[]>, stage: 1 | 2 = 2): void {
    this.#revision += 1;
    this.add({ type: 'published', vnf, revision: this.#revision, stage, service });
  }

  /** `pace`: without it nobody looks at how long holds and drains last. */
  violations(pace?: number): readonly Violation[] {
    const verdict = check(this.events, { open: true, ...(pace !== undefined && { pace }) });
    return Object.values(verdict.guarantees).flatMap(({ violations }) => violations);
  }

  broken(): Part[] {
    return this.violations().map(({ part }) => part);
  }
}
