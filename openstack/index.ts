/** OpenStack's API as typed functions. One directory for each service, the same files in each. */
export * from './call';
export * from './config';
export * from './errors';
export { countsAfterMs, createGate, type Gate, type Limits } from './gate';
export * from './session';
export { httpWire, type Wire, type WireAnswer, type WireRequest } from './wire';
export * as nova from './nova';
export * as neutron from './neutron';
export * as placement from './placement';
export * as glance from './glance';
