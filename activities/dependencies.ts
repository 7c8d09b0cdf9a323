import type { Client } from '@temporalio/client';
import type { Timing } from '../domain/timing';
import type { Session } from '../openstack';
import type { Names } from './names-in-cloud';
import type { ServicePort } from './service-port';
import type { As } from './way-in';

/** What the activities need of the world; made once, by the worker. */
export interface Dependencies {
  readonly session: Session;
  readonly client: Client;
  readonly service: ServicePort;
  readonly timing: Timing;
  /** More than this share of a zone's hosts is not taken to have failed at once, unless forced. */
  readonly failedHostsPercent: number;
  /** How often each VNF is audited by itself, and whether what is found is repaired. Null: not at all. */
  readonly audits: { readonly everyMinutes: number; readonly repair: boolean } | null;
  /** Where descriptors are found by name. */
  readonly descriptorsDirectory: string;
  readonly names: Names;
  /** Known when the cloud has first answered, where it is not said. */
  readonly as: () => Promise<As>;
}
