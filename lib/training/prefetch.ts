/** Prepares the next thing while the one before is being used. */

interface Owned {
  dispose(): void;
}

/** Yields `prepare(item)` for each item, always one ahead, and disposes each when its turn is over, on failure too. */
export async function* prefetched<Item, Prepared extends Owned>(
  items: Iterable<Item>,
  prepare: (item: Item) => Promise<Prepared>,
): AsyncGenerator<Prepared, void> {
  const iterator = items[Symbol.iterator]();
  const start = (): Promise<Prepared> | undefined => {
    const item = iterator.next();
    if (item.done === true) return undefined;
    const pending = prepare(item.value);
    pending.catch(() => {}); // reported when its turn comes
    return pending;
  };
  let pending = start();
  try {
    while (pending !== undefined) {
      const current: Prepared = await pending;
      pending = start();
      try {
        yield current;
      } finally {
        current.dispose();
      }
    }
  } finally {
    await pending?.then(
      (unused) => unused.dispose(),
      () => {},
    );
  }
}
