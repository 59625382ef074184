import { OutcomeUnknownError } from '../provider.ts';

/**
 * The parameters of one page. Lists begin with the newest objects; `starting_after` is the last id of the previous
 * page.
 */
type Page = { readonly limit: number; readonly starting_after?: string };
type Listed = { readonly data: readonly unknown[]; readonly has_more: boolean };

const pageSize = 100;

/**
 * Reads a list to its end. It has no length limit; the signal of the call ends it.
 *
 * @throws {OutcomeUnknownError} when a page has no new object, because the list would never end.
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
    if (next === undefined || next === last) throw new OutcomeUnknownError('A list at Stripe repeats a page.');
    last = next;
  }
}
