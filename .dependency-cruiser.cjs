/**
 * Imports go one way (docs/architecture.md). Each rule says why, for the person who broke it.
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'domain-is-pure',
      comment:
        'domain/ is pure: it is bundled into workflows and must replay the same. Only zod and yaml, and nothing of ours.',
      severity: 'error',
      from: { path: '^domain/' },
      to: { pathNot: ['^domain/', 'node_modules/(zod|yaml)/'] },
    },
    {
      name: 'workflows-see-types-of-activities',
      comment:
        'Workflow code is deterministic: it calls activities by proxy, and may import their types only (activities/ports.ts).',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^(openstack|workers|client|simulator|checker|scripts)/|^activities/(?!ports)' },
    },
    {
      name: 'workflows-have-no-io',
      comment: 'No Node built-ins in workflow code: what needs them is an activity.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'activities-see-domain-and-openstack',
      comment: 'An activity is wired by the worker; it does not reach for workflows, workers or the simulator.',
      severity: 'error',
      from: { path: '^activities/' },
      to: { path: '^(workflows|workers|client|simulator|checker|scripts)/' },
    },
    {
      name: 'openstack-knows-nobody',
      comment: 'openstack/ is a client of OpenStack, usable alone: neither Temporal nor domain/.',
      severity: 'error',
      from: { path: '^openstack/' },
      to: {
        path: '^(domain|activities|workflows|workers|client|simulator|checker|scripts)/|node_modules/@temporalio/',
      },
    },
    {
      name: 'simulator-knows-nobody',
      comment: 'The embedded OpenStack must not know what it is tested with.',
      severity: 'error',
      from: { path: '^simulator/' },
      to: { path: '^(domain|activities|workflows|workers|client|openstack|checker|scripts)/' },
    },
    {
      name: 'checker-is-independent',
      comment:
        'The checker judges the planner and the procedures: it shares the descriptor, names and events with them, and no code that decides.',
      severity: 'error',
      from: { path: '^checker/' },
      to: {
        path: '^(domain/(placement|levels|plan|turn|record|bury)|workflows|activities|workers|client|openstack|scripts)/?',
      },
    },
    {
      name: 'client-is-thin',
      comment: 'What an NFVO imports must not pull in the worker, the cloud or the workflows.',
      severity: 'error',
      from: { path: '^client/' },
      to: { path: '^(activities|workflows|workers|openstack|simulator|checker|scripts)/' },
    },
    {
      name: 'nothing-imports-tests',
      comment: 'test/ mirrors the rest and is imported by nothing.',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-circles',
      comment: 'Two modules that need each other are one, or a third is missing.',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
