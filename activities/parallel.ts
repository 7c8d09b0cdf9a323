/**
 * At most so many at once. Ends when every lane has ended, also when one fails: the next attempt begins as soon as this one has thrown,
 * and would not see what another lane is still doing.
 */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...items];
  const lane = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await task(item);
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(most, items.length) }, lane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
