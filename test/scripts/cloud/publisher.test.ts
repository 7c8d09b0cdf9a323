import axios from 'axios';
import { newJournal } from '../../../scripts/lib/cloud/external/journal';
import { startPublisher, type Publisher } from '../../../scripts/lib/cloud/external/publisher';
import { pacedServicePort } from '../../../activities/service-port';

/** What stands in for the embedded cloud's publisher answers the worker as it does. */

const journal = newJournal();
let publisher: Publisher;
let seen: string[];

beforeAll(async () => {
  publisher = await startPublisher({
    journal,
    catchUp: () => {
      seen.push('looked');
      return seen.includes('away') ? Promise.reject(new Error('the cloud does not answer')) : Promise.resolve();
    },
  });
});
afterAll(() => publisher.stop());
beforeEach(() => {
  seen = [];
});

const publication = { vnf: 'ims1', revision: 3, stage: 2, service: { web: ['ims1-web-1'] } } as const;
const port = (): ReturnType<typeof pacedServicePort> => pacedServicePort(publisher.url);

test('takes in who serves after a look, once, and says what it has taken in last', async () => {
  expect(await port().lastRevision('ims1')).toBe(0);
  await port().publish(publication);
  await port().publish(publication);
  await port().publish({ ...publication, revision: 2 });
  expect(seen).toEqual(['looked', 'looked', 'looked']);
  expect(journal.events()).toMatchObject([{ seq: 1, type: 'published', ...publication }]);
  expect(await port().lastRevision('ims1')).toBe(3);
});

test('takes nothing in while the cloud cannot be looked at, so that it is told again', async () => {
  seen.push('away');
  await expect(port().publish({ ...publication, revision: 4 })).rejects.toMatchObject({ type: 'CloudUnavailable' });
  expect(await port().lastRevision('ims1')).toBe(3);
});

test.each([
  [400, { vnf: 'ims1' }],
  [400, 'no JSON'],
])('answers %i to %j', async (status, body) => {
  const headers = { 'content-type': 'application/json' };
  const asked = axios.post(`${publisher.url}/bulkhead/publications`, body, { headers, proxy: false });
  await expect(asked).rejects.toMatchObject({ response: { status } });
});
