import { CursorError, type CursorScope, decodeCursor, type LogPosition } from '../events/cursor.ts';
import { builder } from './builder.ts';
import { badUserInput, type GraphqlContext } from './context.ts';

export const pageSizeMax = 100;
export const pageSizeDefault = 20;

export type Page = {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
};

export const PageInfo = builder.objectRef<Page>('PageInfo').implement({
  description: 'Where a page stands in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'More follows: ask `after` endCursor.' }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', { description: 'More precedes: ask `before` startCursor.' }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: 'Of the first entry; null on an empty page.',
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'Of the last entry; null on an empty page.',
    }),
  }),
});

/** What a page costs: each of its fields, for as many rows as are asked for. */
export function pageComplexity({ first, last }: { readonly first?: number | null; readonly last?: number | null }) {
  return { field: 1, multiplier: Math.max(1, Math.min(first ?? last ?? pageSizeDefault, pageSizeMax)) };
}

/** @throws {GraphQLError} BAD_USER_INPUT naming the argument, unless it is 1 to 100 or left out. */
export function pageSizeOf(name: 'first' | 'last', size: number | null | undefined): number | null {
  if (size == null) return null;
  if (size < 1 || size > pageSizeMax) throw badUserInput(name, `must be 1 to ${pageSizeMax}.`);
  return size;
}

/** @throws {GraphQLError} BAD_USER_INPUT naming `after`, when it is no cursor of this log, or not one of this scope. */
export function positionAfter(
  { logId }: Pick<GraphqlContext, 'logId'>,
  scope: CursorScope,
  cursor: string | null | undefined,
): LogPosition | null {
  if (cursor == null) return null;
  try {
    return decodeCursor(logId, scope, cursor);
  } catch (error) {
    if (error instanceof CursorError) throw badUserInput('after', error.message);
    throw error;
  }
}
