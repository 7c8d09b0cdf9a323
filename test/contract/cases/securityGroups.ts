import { like, neutronError, nowhere, uuid, type Area } from '../case';
import type { Asked } from '../cloud';
import type { Scene, Shown } from '../scene';

const rule = (group: string, changes: object = {}): object => ({
  security_group_id: group,
  direction: 'ingress',
  ethertype: 'IPv4',
  protocol: 'tcp',
  port_range_min: 5060,
  port_range_max: 5060,
  ...changes,
});

/** It has no ports. */
const icmp = (group: string, changes: object = {}): object => ({
  security_group_id: group,
  direction: 'ingress',
  ethertype: 'IPv4',
  protocol: 'icmp',
  ...changes,
});

const createRules = (...rules: object[]): Asked => ({
  to: 'POST network/security-group-rules',
  body: { security_group_rules: rules },
});

/** Security groups and their rules. */
export const securityGroups: Area = {
  area: 'security groups',
  cases: [
    {
      fact: 'let everything out from the start: 201',
      ask: ({ prefix }) => ({
        to: 'POST network/security-groups',
        body: { security_group: { name: prefix, description: 'd' } },
      }),
      status: 201,
      body: {
        security_group: {
          id: like(new RegExp(`^${uuid}$`)),
          description: 'd',
          security_group_rules: [{ direction: 'egress' }, { direction: 'egress' }],
        },
      },
    },
    {
      fact: 'of the same name: 201, and two, by name',
      play: async ({ ask, securityGroup, prefix }) => {
        const ids = [await securityGroup(), await securityGroup()];
        const { body } = await ask({ to: `GET network/security-groups?name=${prefix}` });
        expect((body['security_groups'] as readonly Shown[]).map(({ id }) => id).sort()).toEqual([...ids].sort());
      },
    },
    {
      fact: 'by their description',
      play: async ({ ask, prefix }) => {
        const body = { security_group: { name: prefix, description: `${prefix} d` } };
        await ask({ to: 'POST network/security-groups', body });
        const found = await ask({ to: `GET network/security-groups?description=${prefix}%20d` });
        expect(found.body['security_groups']).toMatchObject([{ name: prefix }]);
        const none = await ask({ to: `GET network/security-groups?description=${prefix}` });
        expect(none.body['security_groups']).toEqual([]);
      },
    },
    {
      fact: 'rules, several in one request: 201, in the order asked',
      play: async ({ ask, securityGroup }) => {
        const group = await securityGroup();
        const { status, body } = await ask(
          createRules(rule(group), rule(group, { protocol: 'udp', remote_ip_prefix: '10.0.0.0/8' })),
        );
        expect([status, body]).toMatchObject([
          201,
          {
            security_group_rules: [
              {
                protocol: 'tcp',
                port_range_min: 5060,
                port_range_max: 5060,
                ethertype: 'IPv4',
                remote_ip_prefix: null,
              },
              { protocol: 'udp', remote_ip_prefix: '10.0.0.0/8' },
            ],
          },
        ]);
      },
    },
    {
      fact: 'a rule from another group’s members',
      play: async ({ ask, securityGroup }) => {
        const [group, from] = [await securityGroup(), await securityGroup()];
        const { status, body } = await ask(createRules(rule(group, { remote_group_id: from })));
        expect([status, body]).toMatchObject([201, { security_group_rules: [{ remote_group_id: from }] }]);
      },
    },
    {
      fact: 'the same rule again: 409',
      play: async ({ ask, securityGroup }) => {
        const group = await securityGroup();
        await ask(createRules(rule(group)));
        const { status, body } = await ask(createRules(rule(group)));
        expect([status, body]).toEqual([409, neutronError('SecurityGroupRuleExists', /already exists\. Rule id is /)]);
      },
    },
    {
      fact: 'the same rule twice in one request: refused, and none is made',
      play: async ({ ask, securityGroup }) => {
        const group = await securityGroup();
        const { status, body: refusal } = await ask(createRules(rule(group), rule(group)));
        expect([status, refusal]).toEqual([409, neutronError('DuplicateSecurityGroupRuleInPost')]);
        const { body } = await ask({ to: `GET network/security-group-rules?security_group_id=${group}` });
        expect(body['security_group_rules']).toHaveLength(2);
      },
    },
    {
      fact: 'a rule for ICMP by IPv6 is kept as ipv6-icmp, whatever it was called',
      play: async ({ ask, securityGroup }) => {
        const group = await securityGroup();
        const { status, body } = await ask(createRules(icmp(group, { ethertype: 'IPv6' })));
        expect([status, body]).toMatchObject([201, { security_group_rules: [{ protocol: 'ipv6-icmp' }] }]);
        const again = await ask(createRules(icmp(group, { ethertype: 'IPv6', protocol: 'ipv6-icmp' })));
        expect([again.status, again.body]).toEqual([409, neutronError('SecurityGroupRuleExists')]);
        const v4 = await ask(createRules(icmp(group)));
        expect([v4.status, v4.body]).toMatchObject([201, { security_group_rules: [{ protocol: 'icmp' }] }]);
      },
    },
    ...[
      ['FD00:0:0::/48', 'fd00::/48'],
      ['fd00:0:1:0:1:0:1:0/64', 'fd00:0:1:0:1:0:1:0/64'],
      ['FD00:1:2:3:0:5:6:7/64', 'fd00:1:2:3:0:5:6:7/64'],
      ['fd00::0.1.0.5/8', 'fd00::1:5/8'],
      ['::FFFF:102:304/128', '::ffff:1.2.3.4/128'],
      ['::1:2/128', '::0.1.0.2/128'],
      ['0::0/0', '::/0'],
      ['10.0.0.5/8', '10.0.0.5/8'],
    ].map(([given = '', kept = '']) => ({
      fact: `a rule from ${given} is kept as from ${kept}, and is there then`,
      play: async ({ ask, securityGroup }: Scene) => {
        const group = await securityGroup();
        const ethertype = given.includes(':') ? 'IPv6' : 'IPv4';
        const { status, body } = await ask(createRules(rule(group, { ethertype, remote_ip_prefix: given })));
        expect([status, body]).toMatchObject([201, { security_group_rules: [{ remote_ip_prefix: kept }] }]);
        const again = await ask(createRules(rule(group, { ethertype, remote_ip_prefix: kept })));
        expect([again.status, again.body]).toEqual([409, neutronError('SecurityGroupRuleExists')]);
      },
    })),
    {
      fact: 'a rule from everybody is the same rule however it says so',
      play: async ({ ask, securityGroup }) => {
        const group = await securityGroup();
        await ask(createRules(rule(group)));
        const { status, body } = await ask(createRules(rule(group, { remote_ip_prefix: '0.0.0.0/0' })));
        expect([status, body]).toEqual([409, neutronError('SecurityGroupRuleExists')]);
      },
    },
    {
      fact: 'a rule of one IP version from a prefix of the other: 400',
      ask: async ({ securityGroup }) => createRules(rule(await securityGroup(), { remote_ip_prefix: 'fd00::/8' })),
      status: 400,
      body: neutronError('SecurityGroupRuleParameterConflict', 'Conflicting value ethertype IPv4 for CIDR fd00::/8'),
    },
    {
      fact: 'one of a bulk is there already: 409, and none is made',
      play: async ({ ask, securityGroup }) => {
        const group = await securityGroup();
        await ask(createRules(rule(group)));
        const { status } = await ask(createRules(rule(group, { protocol: 'udp' }), rule(group)));
        expect(status).toBe(409);
        const { body } = await ask({ to: `GET network/security-group-rules?security_group_id=${group}` });
        expect(body['security_group_rules']).toHaveLength(3);
      },
    },
    {
      fact: 'a rule of a group that is not there: 404',
      ask: () => createRules(rule(nowhere)),
      status: 404,
      body: neutronError('SecurityGroupNotFound', `Security group ${nowhere} does not exist`),
    },
    {
      fact: 'in use by a port: 409',
      play: async ({ ask, securityGroup, port }) => {
        const group = await securityGroup();
        await port({ security_groups: [group] });
        const { status, body } = await ask({ to: `DELETE network/security-groups/${group}` });
        expect([status, body]).toEqual([409, neutronError('SecurityGroupInUse', /in use\.$/i)]);
      },
    },
    {
      fact: 'deleted: 204, and again: 404',
      play: async ({ ask, securityGroup }) => {
        const to = `DELETE network/security-groups/${await securityGroup()}`;
        expect((await ask({ to })).status).toBe(204);
        const { status, body } = await ask({ to });
        expect([status, body]).toEqual([404, neutronError('SecurityGroupNotFound')]);
      },
    },
    {
      fact: 'of a server’s ports are named in it',
      play: async ({ securityGroup, port, launch, prefix }) => {
        const id = await port({ security_groups: [await securityGroup()] });
        expect((await launch({ networks: [{ port: id }] }))['security_groups']).toEqual([{ name: prefix }]);
      },
    },
    {
      fact: 'of a server without ports: none are named',
      play: async ({ launch }) => {
        expect((await launch())['security_groups'] ?? []).toEqual([]);
      },
    },
    {
      fact: 'another’s is not there for a tenant: 404',
      ask: async ({ securityGroup }) => ({ to: `GET network/security-groups/${await securityGroup('operator')}` }),
      status: 404,
    },
  ],
};
