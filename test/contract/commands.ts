/**
 * What is typed into the `openstack` client, on both clouds and in this order. `{name}` is the run's own; `{network}` and the
 * like are what the cloud offers; `{id:server}` is the id that an earlier answer had.
 */
export interface Command {
  readonly type: string;
  readonly as?: 'operator' | 'tenant';
  /** Its answer's id is known by this name from then on. */
  readonly keeps?: string;
}

const tenant = (type: string, keeps?: string): Command => ({ type, ...(keeps !== undefined && { keeps }) });
const operator = (type: string): Command => ({ type, as: 'operator' });

export const commands: readonly Command[] = [
  tenant('token issue'),
  tenant('catalog list'),
  tenant('flavor list'),
  tenant('flavor show {flavor}'),
  tenant('image list'),
  tenant('image show {image}'),
  tenant('network list'),
  tenant('network show {network}'),
  tenant('subnet list'),
  tenant('availability zone list --compute'),
  tenant('quota show'),
  tenant('security group create {name} --description d', 'securityGroup'),
  tenant('security group rule create {name} --protocol tcp --dst-port 5060 --remote-ip 10.0.0.0/8'),
  tenant('security group rule list {name}'),
  tenant('security group show {name}'),
  tenant('port create {name} --network {network} --description d --security-group {name}', 'port'),
  tenant('port list --name {name}'),
  tenant('port show {name}'),
  tenant('server group create {name} --policy anti-affinity --rule max_server_per_host=2', 'group'),
  tenant('server group list'),
  tenant('server group show {name}'),
  tenant(
    'server create {name} --image {image} --flavor {flavor} --port {name} --hint group={id:group} --tag t --property k=v --wait',
    'server',
  ),
  tenant('server list --name {name}'),
  tenant('server list --name {name} --long'),
  tenant('server show {name}'),
  operator('server show {id:server}'),
  operator('server list --all-projects --name {name}'),
  tenant('server stop {name}'),
  operator('compute service list'),
  operator('compute service list --long'),
  operator('hypervisor list'),
  operator('aggregate list'),
  operator('aggregate show {zone}'),
  operator('aggregate create {name} --property rack=r1'),
  operator('aggregate add host {name} {host}'),
  operator('aggregate list --long'),
  operator('aggregate show {name}'),
  operator('aggregate set {name} --property rack=r2 --property power=p1'),
  operator('aggregate unset {name} --property power'),
  operator('aggregate remove host {name} {host}'),
  operator('aggregate delete {name}'),
  operator('resource provider list'),
  operator('resource provider allocation show {id:server}'),
  operator('allocation candidate list --resource VCPU=1'),
  operator('quota show {project}'),
  operator('project list'),
  tenant('server delete {name} --wait'),
  tenant('server group delete {name}'),
  tenant('port delete {name}'),
  tenant('security group delete {name}'),
];
