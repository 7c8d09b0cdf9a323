export * from './allocations';
export * from './candidates';
export * from './request';
