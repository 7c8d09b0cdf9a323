import { playStory } from '../../scripts/lib/virtual/soak';
import { storyOf } from '../../scripts/lib/virtual/story';
import type * as Turn from '../../activities/turn';

/** An attempt that knows no end. */
jest.mock('../../activities/turn', () => ({
  ...jest.requireActual<typeof Turn>('../../activities/turn'),
  deadlineOf: (): Turn.Deadline => ({
    isOver: () => false,
    call: (token) => ({ timeoutMs: 3_600_000, ...(token !== undefined && { requestId: `req-${token}` }) }),
  }),
}));

test.each([
  [303_235, /^launch has sent POST \/compute\/v2\.1\/servers when nobody waited for it any more$/],
  [308_270, /^remove has sent DELETE \/networking\/v2\.0\/ports\/\S+ when nobody waited for it any more$/],
])('seed %i: what is sent when nobody waits for it any more is no late call of the cloud', async (seed, said) => {
  expect(await playStory(storyOf(seed))).toEqual([expect.stringMatching(said)]);
});
