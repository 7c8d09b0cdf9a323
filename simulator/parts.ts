/** What a cloud is made of, and can be without for a while: the services, and what stands behind them. */
export const parts = [
  'keystone',
  'nova-api',
  'nova-scheduler',
  'nova-conductor',
  'placement',
  'neutron',
  'glance',
  'rabbitmq',
  'mariadb',
  'memcached',
] as const;

export type Part = (typeof parts)[number];

export interface Outage {
  /** Done when it is back, in this order. */
  readonly waiting: (() => void)[];
  readonly cancel: () => void;
}
