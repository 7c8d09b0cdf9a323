export * from './flavors';
export * from './quotas';
export * from './serverGroups';
export * from './servers';
export * from './services';
