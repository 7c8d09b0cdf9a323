"""Fills the lab's cloud: users and catalog (`identity`), then everything else (`cloud`); Heat (`heat`)
where that is wanted, and its entry in the catalog removed again (`no-heat`). Each is made only if missing.

Names, sizes and projects are those of the embedded cloud (simulator/model.ts), so that the same descriptors and commands
work on both.
"""
import argparse
import contextlib
import sys
import time

import openstack

# user -> its project and its roles there. The operator may see and choose hosts; the others are ordinary members.
USERS = {
    'operator': ('bulkhead', ('admin', 'member')),
    'tenant': ('tenant', ('member',)),
    'other': ('other', ('member',)),
}
FLAVORS = {  # vCPUs, MiB, GiB
    'm1.small': (1, 2048, 20),
    'clearwater.small': (1, 2048, 20),
    'clearwater.storage': (2, 4096, 40),
    'other.large': (4, 16384, 160),
}
IMAGES = ('cirros', *(f'clearwater-{role}' for role in ('vellum', 'dime', 'homer', 'sprout', 'bono', 'ellis')))
NETWORKS = {'mgmt': '10.10.0.0/16', 'sig': '10.20.0.0/16', 'sig-dmz': '10.30.0.0/16'}
COMPUTE_QUOTA = {'instances': 1000, 'cores': 2000, 'ram': 4000000, 'server_groups': 50, 'server_group_members': 100}
# Hosts that another project uses already, in servers of 4 vCPUs: three quarters of one, one full, some a little.
OTHERS = {'cmp-02': 1, 'cmp-05': 3, 'cmp-07': 2, 'cmp-09': 4, 'cmp-11': 1, 'dmz-02': 2}


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument('step', choices=('identity', 'cloud', 'heat', 'no-heat'))
    for name in ('password', 'region', 'mz', 'dmz', 'keystone', 'placement', 'glance', 'neutron', 'nova', 'heat'):
        parser.add_argument(f'--{name}', required=True)
    return parser.parse_args()


def login(given, project):
    return openstack.connect(
        auth_url=f'http://127.0.0.1:{given.keystone}/v3', username='admin', password=given.password,
        project_name=project, user_domain_name='Default', project_domain_name='Default', region_name=given.region,
        compute_default_microversion='2.90')


def project(ident, name):
    return ident.find_project(name) or ident.create_project(name=name, domain_id='default')


def user(ident, given, name, where, *roles):
    found = ident.find_user(name) or ident.create_user(name=name, password=given.password, domain_id='default')
    known = {role.name: role for role in ident.roles()}
    for role in roles:
        ident.assign_project_role_to_user(where, found, known[role])


def service(ident, given, name, kind, url):
    """A user for it, and its entry in the catalog."""
    user(ident, given, name, project(ident, 'service'), 'admin', 'service')
    if kind not in {each.type for each in ident.services()}:
        made = ident.create_service(name=name, type=kind)
        for interface in ('public', 'internal', 'admin'):
            ident.create_endpoint(service_id=made.id, interface=interface, url=f'http://127.0.0.1:{url}',
                                  region_id=given.region)


def identity(cloud, given):
    ident = cloud.identity
    service(ident, given, 'nova', 'compute', f'{given.nova}/v2.1')
    service(ident, given, 'placement', 'placement', given.placement)
    service(ident, given, 'glance', 'image', given.glance)
    service(ident, given, 'neutron', 'network', given.neutron)
    for name, (where, roles) in USERS.items():
        user(ident, given, name, project(ident, where), *roles)
    # Whoever puts another project's servers on chosen hosts.
    user(ident, given, 'admin', project(ident, 'other'), 'admin')


def least(ident, given):
    """Whoever sees and chooses hosts without being an admin: by the rules of policies/ alone."""
    ident.find_role('bulkhead') or ident.create_role(name='bulkhead')
    user(ident, given, 'least', project(ident, 'least'), 'member', 'bulkhead')


def heat(cloud, given):
    service(cloud.identity, given, 'heat', 'orchestration', f'{given.heat}/v1/%(project_id)s')


def no_heat(cloud):
    """Its endpoints go with it: whoever reads the catalog finds what runs."""
    for each in cloud.identity.services(type='orchestration'):
        cloud.identity.delete_service(each)


def networks(cloud):
    for name, cidr in NETWORKS.items():
        found = cloud.network.find_network(name) or cloud.network.create_network(name=name, is_shared=True)
        if not cloud.network.find_subnet(name):
            # No DHCP: there is no agent to serve it.
            cloud.network.create_subnet(name=name, network_id=found.id, ip_version=4, cidr=cidr, enable_dhcp=False)


def images(cloud):
    for name in IMAGES:
        if not cloud.image.find_image(name):
            cloud.image.create_image(name=name, data=b'\0' * 4096, disk_format='raw', container_format='bare',
                                     visibility='public', validate_checksum=False)


def flavors(cloud):
    for name, (vcpus, ram, disk) in FLAVORS.items():
        cloud.compute.find_flavor(name) or cloud.compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)


def quotas(cloud):
    for where, _ in USERS.values():
        cloud.compute.update_quota_set(cloud.identity.find_project(where), **COMPUTE_QUOTA)


def zones(cloud, wanted):
    """Host aggregates are what makes availability zones."""
    hosts = {host for members in wanted.values() for host in members}
    until = time.time() + 180
    while True:
        # Of an earlier time they are known at once, and down until they have reported again.
        services = list(cloud.compute.services(binary='nova-compute'))
        for each in services:
            if each.is_forced_down:
                with contextlib.suppress(openstack.exceptions.BadRequestException):
                    # Refused until the host has ended what was evacuated from it.
                    cloud.compute.update_service_forced_down(each, forced=False)
        up = {each.host for each in services if each.state == 'up'}
        missing = hosts - (up & {each.name for each in cloud.compute.hypervisors()})
        if not missing:
            break
        if time.time() > until:
            sys.exit(f'hosts that never came up: {sorted(missing)}')
        time.sleep(0.5)
    for zone, members in wanted.items():
        aggregate = next((each for each in cloud.compute.aggregates() if each.name == zone), None)
        aggregate = aggregate or cloud.compute.create_aggregate(name=zone, availability_zone=zone)
        have = set(aggregate.hosts or ())
        for host in sorted(have - set(members)):
            cloud.compute.remove_host_from_aggregate(aggregate.id, host)
        for host in sorted(set(members) - have):
            cloud.compute.add_host_to_aggregate(aggregate.id, host)


def others(cloud, hosts):
    """One after another: Nova is slower with many at once."""
    flavor = cloud.compute.find_flavor('other.large')
    image = cloud.image.find_image('cirros')
    known = {server.name for server in cloud.compute.servers()}
    for host in hosts:
        for number in range(1, OTHERS.get(host, 0) + 1):
            name = f'other-{host}-{number}'
            if name not in known:
                cloud.compute.create_server(name=name, flavor_id=flavor.id, image_id=image.id, networks='none', host=host)


given = parse()
admin = login(given, 'admin')
if given.step == 'identity':
    identity(admin, given)
elif given.step == 'heat':
    heat(admin, given)
elif given.step == 'no-heat':
    no_heat(admin)
else:
    least(admin.identity, given)
    wanted = {'mz': given.mz.split(','), 'dmz': given.dmz.split(',')}
    networks(admin)
    images(admin)
    flavors(admin)
    quotas(admin)
    zones(admin, wanted)
    others(login(given, 'other'), [host for members in wanted.values() for host in members])
