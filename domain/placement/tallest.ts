/** Members of one host that may be taken away. */
export interface Stack<M> {
  /** What of the pool is there, whether it may be taken away or not. */
  readonly height: number;
  /** The last one goes first. */
  readonly members: M[];
}

/**
 * Takes members away one by one, from the host that is tallest at that moment; among equals from the first in this order. All that are as
 * tall lose one each before any loses another, so that each height is sorted once: near-linear in the members taken.
 */
export function* takeFromTallest<S extends Stack<unknown>>(
  stacks: Iterable<S>,
  order: (a: S, b: S) => number,
): Generator<S['members'][number], void, void> {
  const at = new Map<number, S[]>();
  const put = (stack: S, height: number): void => {
    if (stack.members.length === 0) return;
    const alike = at.get(height);
    if (alike) alike.push(stack);
    else at.set(height, [stack]);
  };
  for (const stack of stacks) put(stack, stack.height);
  for (let height = Math.max(...at.keys()); at.size > 0; height--) {
    const alike = at.get(height) ?? [];
    at.delete(height);
    for (const stack of alike.sort(order)) {
      const taken = stack.members.pop();
      if (taken !== undefined) yield taken;
      put(stack, height - 1);
    }
  }
}
