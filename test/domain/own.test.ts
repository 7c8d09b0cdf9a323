import { own } from '../../domain/names';

test('a map by pool has what it was given, and nothing that every object has', () => {
  const levels = { web: 1, ['__proto__']: 2 };
  expect(own(levels, 'web')).toBe(1);
  expect(own(levels, '__proto__')).toBe(2);
  for (const name of ['db', 'constructor', 'toString']) expect(own(levels, name)).toBeUndefined();
  expect(own({}, '__proto__')).toBeUndefined();
});
