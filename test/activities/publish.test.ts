import { pacedServicePort } from '../../activities';
import { openLab, turn, vnf, type Lab } from './lab';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

function published(): readonly unknown[] {
  return lab.cloud.log.flatMap((event) =>
    event.type === 'published' ? [{ revision: event.revision, stage: event.stage, service: event.service }] : [],
  );
}

const during = { web: [1, 2, 3], 'web-1': [1] };
const after = { web: [2, 3], 'web-1': [1] };

describe('publish', () => {
  test('first old and new together, then the new alone, by the names of the servers', async () => {
    await lab.run('publish', { turn, vnf, publication: { revision: 7, during, after } });
    expect(published()).toEqual([
      {
        revision: 7,
        stage: 1,
        service: { web: ['ims1-web-1', 'ims1-web-2', 'ims1-web-3'], 'web-1': ['ims1-web-1-1'] },
      },
      { revision: 7, stage: 2, service: { web: ['ims1-web-2', 'ims1-web-3'], 'web-1': ['ims1-web-1-1'] } },
    ]);
  });

  test('once where both are the same, whatever their order', async () => {
    await lab.run('publish', { turn, vnf, publication: { revision: 7, during: { web: [3, 2], 'web-1': [1] }, after } });
    expect(published()).toMatchObject([{ revision: 7, stage: 2 }]);
  });

  test('repeated, or late, it changes nothing', async () => {
    await lab.run('publish', { turn, vnf, publication: { revision: 8, during: after, after } });
    await lab.run('publish', { turn, vnf, publication: { revision: 7, during, after } }, { attempt: 2 });
    await lab.run('publish', { turn, vnf, publication: { revision: 8, during: after, after } }, { attempt: 2 });
    expect(published()).toMatchObject([{ revision: 8, stage: 2 }]);
  });

  test('an unanswered publication is tried again, and stage 1 still comes before stage 2', async () => {
    await lab.close();
    const publication = { revision: 7, during, after };
    await expect(lab.run('publish', { turn, vnf, publication })).rejects.toMatchObject({
      type: 'CloudUnavailable',
      nonRetryable: false,
    });
    lab = await openLab();
    await lab.run('publish', { turn, vnf, publication }, { attempt: 2 });
    expect(published()).toMatchObject([{ stage: 1 }, { stage: 2 }]);
  });

  test('is refused with TurnLost when the run id differs: nothing is published', async () => {
    await expect(
      lab.run('publish', { turn, vnf, publication: { revision: 9, during, after } }, { runId: 'made-by-a-reset' }),
    ).rejects.toMatchObject({ type: 'TurnLost' });
    expect(published()).toEqual([]);
  });
});

describe('a record that begins', () => {
  const service = (url: string) => pacedServicePort(url);

  test('learns what was published under its id before, and 0 where nothing was', async () => {
    await lab.run('publish', { turn, vnf, publication: { revision: 7, during, after } });
    const { url } = lab;
    expect(await service(url).lastRevision(vnf)).toBe(7);
    expect(await service(url).lastRevision('constructor')).toBe(0);
    expect(await pacedServicePort(null).lastRevision(vnf)).toBe(0);
  });

  test('waits for a publisher that does not answer', async () => {
    const { url } = lab;
    await lab.close();
    await expect(service(url).lastRevision(vnf)).rejects.toMatchObject({ type: 'CloudUnavailable' });
    lab = await openLab();
  });
});
