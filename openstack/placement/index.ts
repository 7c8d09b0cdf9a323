export * from './allocations';
export * from './candidates';
