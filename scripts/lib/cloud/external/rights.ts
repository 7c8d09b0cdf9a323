import { wayIn, type As } from '../../../../activities';
import { connect, loadCloudConfig, type Session } from '../../../../openstack';
import type { Levers } from './levers';

/** As what the product works on a cloud, and by whose eyes its hosts are seen. */
export interface Rights {
  readonly as: As;
  /** The product's own project: what it makes is there. */
  readonly own: Session;
  /** Sees hosts, and does to the cloud what only an operator may. Null: nobody here does. The product does not have it as a tenant. */
  readonly operator: Session | null;
  /** Entry of clouds.yaml that `operator` is. */
  readonly operatorCloud: string | null;
}

/** `as`: null where the cloud is to say it. */
export async function rightsOn(cloud: string, given: { levers: Levers; as: As | null }): Promise<Rights> {
  const { levers } = given;
  const open = (name: string): Session => connect(loadCloudConfig({ ...process.env, ...levers.env }, { cloud: name }));
  const own = open(cloud);
  const shown = await wayIn(own, 'auto')();
  const as = given.as ?? shown;
  if (shown === 'operator') return { as, own, operator: own, operatorCloud: cloud };
  if (levers.operator === null || as === 'operator') return { as, own, operator: null, operatorCloud: null };
  return { as, own, operator: open(levers.operator), operatorCloud: levers.operator };
}
