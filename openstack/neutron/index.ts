export * from './networks';
export * from './ports';
export * from './quotas';
export * from './securityGroups';
