import { OutcomeUnknownError } from '../provider.ts';

/** What asks for one page of a list: the newest objects first, `starting_after` the last of the page before. */
type Page = { readonly limit: number; readonly starting_after?: string };
type Listed = { readonly data: readonly unknown[]; readonly has_more: boolean };

const pageSize = 100;

/**
 * Reads a list to its end, object by object. However long it is, only the signal of the call ends it.
 * @throws {OutcomeUnknownError} when a page brings nothing new: it would never end.
 */
export async function* readList<T extends { readonly id: string }>(
  ask: (page: Page) => PromiseLike<Listed>,
  parse: (object: unknown) => T,
): AsyncGenerator<T> {
  let last: string | undefined;
  while (true) {
    const { data, has_more: hasMore } = await ask({
      limit: pageSize,
      ...(last !== undefined && { starting_after: last }),
    });
    const objects = data.map(parse);
    yield* objects;
    const next = objects.at(-1)?.id;
    if (!hasMore) return;
    if (next === undefined || next === last) throw new OutcomeUnknownError('A list of Stripe does not go on.');
    last = next;
  }
}
