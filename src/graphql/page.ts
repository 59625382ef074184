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
  description: 'The position of a page in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description: 'True when more entries follow: pass `endCursor` as `after`.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description:
        'True when entries precede the page: pass `startCursor` as `before`, where the field has that argument.',
    }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: 'The cursor of the first entry; null on an empty page.',
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'The cursor of the last entry; null on an empty page.',
    }),
  }),
});

/** A number of rows. */
export type Total = { readonly value: number; readonly isCapped: boolean };

export const TotalCount = builder.objectRef<Total>('TotalCount').implement({
  description: 'The number of entries of a list, counted up to 10,000.',
  fields: (t) => ({
    value: t.exposeInt('value', { description: 'The number of entries; 10,000 when there are more.' }),
    isCapped: t.exposeBoolean('isCapped', { description: 'True when there are more than `value`.' }),
  }),
});

/** A count reads up to 10,000 entries of an index. It costs as much as some fields of each row of the page. */
export const totalCountComplexity = { field: 20 };

/** The complexity of a page: each of its fields counts once per requested row. */
export function pageComplexity({ first, last }: { readonly first?: number | null; readonly last?: number | null }) {
  return { field: 1, multiplier: Math.max(1, Math.min(first ?? last ?? pageSizeDefault, pageSizeMax)) };
}

/** @throws {GraphQLError} BAD_USER_INPUT naming the argument, unless it is 1 to 100 or omitted. */
export function pageSizeOf(name: 'first' | 'last', size: number | null | undefined): number | null {
  if (size == null) return null;
  if (size < 1 || size > pageSizeMax) throw badUserInput(name, `must be 1 to ${pageSizeMax}.`);
  return size;
}

/** @throws {GraphQLError} BAD_USER_INPUT naming `after`, when it is not a cursor of this log and scope. */
export function positionAfter(
  { logId }: Pick<GraphqlContext, 'logId'>,
  scope: CursorScope,
  cursor: string | null | undefined,
): LogPosition | null {
  return positionOf(logId, scope, 'after', cursor);
}

/**
 * The position after which a subscription starts. An EventSource reconnects with the `after` of its first request, and with the id of the
 * last event that it got, which is the later one.
 *
 * @throws {GraphQLError} BAD_USER_INPUT naming `after` or `Last-Event-ID`, when it is not a cursor of this log and scope.
 */
export function startAfter(
  { logId, lastEventId }: Pick<GraphqlContext, 'logId' | 'lastEventId'>,
  scope: CursorScope,
  cursor: string | null | undefined,
): LogPosition | null {
  if (lastEventId === null) return positionOf(logId, scope, 'after', cursor);
  return positionOf(logId, scope, 'Last-Event-ID', lastEventId);
}

function positionOf(
  logId: string,
  scope: CursorScope,
  name: string,
  cursor: string | null | undefined,
): LogPosition | null {
  if (cursor == null) return null;
  try {
    return decodeCursor(logId, scope, cursor);
  } catch (error) {
    if (error instanceof CursorError) throw badUserInput(name, error.message);
    throw error;
  }
}
