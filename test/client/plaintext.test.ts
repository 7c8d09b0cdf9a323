import { connectBulkhead, PlainTextRefusedError, TemporalUnavailableError, type BulkheadOptions } from '../../client';

/** The library sends nothing in plain text beyond this machine unless it is told to, as a worker does not. */

/** Nobody has this address: whoever gets so far as to try it is told that it does not answer. */
const away = { address: '192.0.2.1:7233', connectSeconds: 0.05 };

test.each<Partial<BulkheadOptions>>([{}, { tls: false }, { tls: null }, { tls: false, apiKey: 'a key' }])(
  'beyond this machine is refused with %j',
  async (how) => {
    const connecting = connectBulkhead({ ...away, ...how });
    await expect(connecting).rejects.toThrow(PlainTextRefusedError);
    await expect(connecting).rejects.toThrow(/192\.0\.2\.1:7233 .*tls .*allowPlaintext/);
  },
);

test.each(['http://127.0.0.1:7233', 'https://temporal.example:7233'])('%s is no address', async (address) => {
  await expect(connectBulkhead({ ...away, address })).rejects.toMatchObject({
    kind: 'InvalidRequest',
    outcome: 'refused',
    message: expect.stringMatching(/host:port/) as string,
  });
});

test.each<Partial<BulkheadOptions>>([
  { tls: true },
  { tls: {} },
  { apiKey: 'a key' },
  { allowPlaintext: true },
  { address: '127.0.0.1:1' },
])('is tried with %j', async (how) => {
  await expect(connectBulkhead({ ...away, ...how })).rejects.toThrow(TemporalUnavailableError);
});
