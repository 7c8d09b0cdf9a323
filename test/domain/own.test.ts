import { own } from '../../domain/names';
import { plan } from '../../domain/placement';
import { hostsNamed, inputOf, on } from './build';

test('a map by pool has what it was given, and nothing that every object has', () => {
  const levels = { web: 1, ['__proto__']: 2 };
  expect(own(levels, 'web')).toBe(1);
  expect(own(levels, '__proto__')).toBe(2);
  for (const name of ['db', 'constructor', 'toString']) expect(own(levels, name)).toBeUndefined();
  expect(own({}, '__proto__')).toBeUndefined();
});

test('a pool may be called as what every object has, also while another owes', () => {
  const input = inputOf({
    pool: { name: 'constructor' },
    members: on('constructor', 'h1 h2'),
    hosts: hostsNamed(4),
    request: { kind: 'scaleOut', pool: 'constructor', to: 3 },
  });
  const debt = {
    ...{ token: 't', workflowId: 'w', runId: 'r', procedure: 'scaleIn' as const },
    ...{ stages: [], groups: [], sweep: [] },
  };
  const record = { ...input.record, debts: [{ ...debt, movedFrom: { web: 4 } }] };
  expect(plan({ ...input, record })).toMatchObject({ ok: true });
});
