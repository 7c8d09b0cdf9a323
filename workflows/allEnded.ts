/**
 * Waits for all, also where one fails or is cancelled before it began: what one of them were still making, or taking away, after that
 * would be in the way of whatever comes next.
 */
export async function allEnded<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(tasks);
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}
