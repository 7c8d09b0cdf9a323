import type { Area } from '../case';
import { aggregates } from './aggregates';
import { choosing } from './choosing';
import { death } from './death';
import { filters } from './filters';
import { groups } from './groups';
import { identity } from './identity';
import { ports } from './ports';
import { quotas } from './quotas';
import { reading } from './reading';
import { room } from './room';
import { securityGroups } from './securityGroups';
import { servers } from './servers';
import { away } from './away';

/** In the order in which they are played: what takes hosts and services away is last. */
export const areas: readonly Area[] = [
  identity,
  reading,
  aggregates,
  choosing,
  groups,
  quotas,
  servers,
  filters,
  ports,
  securityGroups,
  room,
  death,
  away,
];
