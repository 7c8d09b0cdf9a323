/** An OpenStack in one process: `createCloud`, then `serve` it over HTTP or `handle` requests without sockets. */
export { realClock, seeded, type Clock } from './clock';
export { eventSchema, type CloudEvent } from './events';
export {
  Dropped,
  handle,
  replyTo,
  serve,
  written,
  type RawRequest,
  type RawResponse,
  type Reply,
  type Served,
} from './http';
export { createCloud, hostsOf, inDomains, type Cloud, type CloudOptions, type Fault, type HostSpec } from './model';
export { migrate, setAlive } from './computes';
