import * as placement from '../../domain/placement';
import { playNight } from '../../scripts/lib/virtual/soak';
import type { Story } from '../../scripts/lib/virtual/story';

/** A night on which nothing breaks but that what could be done is refused: the soak says so. */

jest.mock('../../domain/placement', () => {
  const product = jest.requireActual<typeof placement>('../../domain/placement');
  return { ...product, plan: jest.fn(product.plan) };
});

const story: Story = {
  seed: 1,
  hosts: { mz: 6, dmz: 2 },
  vnfs: [{ vnf: 'v1', pools: [{ name: 'web', zone: 'mz', min: 2, initial: 2, max: 8, spare: 1, serial: false }] }],
  acts: [
    { atSeconds: 1, does: 'instantiate', vnf: 'v1' },
    { atSeconds: 60, does: 'scale', vnf: 'v1', pool: 'web', to: 4 },
  ],
};

test('of this night there is nothing to be said', async () => {
  expect(await playNight(story)).toEqual({ problems: [], lifecycles: 1, isOverdue: false });
});

test('and there is where the planner finds no place for more', async () => {
  const { plan } = jest.requireActual<typeof placement>('../../domain/placement');
  jest.mocked(placement.plan).mockImplementation((input) => {
    if (input.request.kind !== 'scaleOut') return plan(input);
    return { ok: false, refusal: { kind: 'Impossible', message: 'there is no place', details: {} } };
  });
  expect((await playNight(story)).problems).toEqual([
    expect.stringMatching(/^G8 BROKEN /) as string,
    expect.stringMatching(
      /^ {5}G8 by event \d+: scaleOut was refused as Impossible, and could have been done$/,
    ) as string,
  ]);
});
