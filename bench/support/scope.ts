type Closable = { close(): Promise<unknown> | unknown };

/** What a turn opens. It is closed in reverse order at the end of the turn. */
export type Scope = {
  keep<T extends Closable>(opened: T): T;
};

const open = new Set<() => Promise<void>>();

/** Closes everything that `work` has opened, also when it fails or the bench is interrupted. */
export async function withScope<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
  const opened: Closable[] = [];
  async function close(): Promise<void> {
    open.delete(close);
    for (let last = opened.pop(); last !== undefined; last = opened.pop()) await last.close();
  }
  open.add(close);
  try {
    return await work({
      keep(thing) {
        opened.push(thing);
        return thing;
      },
    });
  } finally {
    await close();
  }
}

/** For an interrupt: closes what all turns have open. */
export async function closeScopes(): Promise<void> {
  for (const close of [...open].reverse()) await close();
}
