import type { ObjectRef } from '@pothos/core';
import { type IdKind, isId } from '../domain/ids.ts';
import type { ListPage } from '../store/list-statement.ts';
import { builder } from './builder.ts';
import { badUserInput, type GraphqlContext } from './context.ts';
import {
  type Page,
  PageInfo,
  pageSizeDefault,
  pageSizeOf,
  type Total,
  TotalCount,
  totalCountComplexity,
} from './page.ts';

/** The arguments that choose a page of a list that can be read in both directions. */
export const listArgs = builder.args((t) => ({
  first: t.int({ description: 'The page size, counted from the start of the list or from `after`.' }),
  after: t.string({ description: 'Return only entries after this cursor: an edge’s `cursor` or an `endCursor`.' }),
  last: t.int({ description: 'The page size, counted back from the end of the list or from `before`.' }),
  before: t.string({ description: 'Return only entries before this cursor: an edge’s `cursor` or a `startCursor`.' }),
}));

type ListArgs = { readonly [Name in 'first' | 'last']?: number | null } & {
  readonly [Name in 'after' | 'before']?: string | null;
};

/** A page as it was asked for, and the rows that a store reads for it: one more than the page has. */
export type WantedPage = {
  readonly size: number;
  readonly isBackward: boolean;
  readonly isContinued: boolean;
  readonly page: ListPage & { readonly direction: 'asc' | 'desc' };
};

/** @throws {GraphQLError} BAD_USER_INPUT naming the argument. */
export function wantedPage(args: ListArgs, isNewestFirst: boolean, kind: IdKind, field: string): WantedPage {
  const first = pageSizeOf('first', args.first);
  const last = pageSizeOf('last', args.last);
  if (first !== null && last !== null) throw badUserInput('last', 'cannot be combined with first. Give one of them.');
  const size = first ?? last ?? pageSizeDefault;
  const isBackward = last !== null;
  const idAt = (name: 'after' | 'before') => idOf(args[name] ?? null, name, kind, field);
  const [after, before] = [idAt('after'), idAt('before')];
  return {
    ...{ size, isBackward, isContinued: (isBackward ? before : after) !== null },
    page: {
      direction: isNewestFirst !== isBackward ? 'desc' : 'asc',
      ...(isNewestFirst ? { after: before, before: after } : { after, before }),
      limit: size + 1,
    },
  };
}

/** Cuts the page from the rows that were read for it. */
export function cutPage<Row extends { readonly id: string }>(
  { size, isBackward, isContinued }: WantedPage,
  read: readonly Row[],
): { readonly rows: readonly Row[]; readonly page: Page } {
  const cut = read.slice(0, size);
  const rows = isBackward ? cut.reverse() : cut;
  const hasMore = read.length > size;
  const [start, end] = [rows.at(0), rows.at(-1)];
  return {
    rows,
    page: {
      hasNextPage: isBackward ? isContinued : hasMore,
      hasPreviousPage: isBackward ? hasMore : isContinued,
      startCursor: start === undefined ? null : cursorOf(start),
      endCursor: end === undefined ? null : cursorOf(end),
    },
  };
}

export function cursorOf({ id }: { readonly id: string }): string {
  return Buffer.from(id).toString('base64url');
}

function idOf(cursor: string | null, name: 'after' | 'before', kind: IdKind, field: string): string | null {
  if (cursor === null) return null;
  const id = cursor.length > 100 ? '' : Buffer.from(cursor, 'base64url').toString('latin1');
  if (!isId(kind, id))
    throw badUserInput(name, `is not a cursor of this list. Use a cursor that \`${field}\` returned.`);
  return id;
}

/** A page of a list, and how to count all of it. */
export type List<Row> = {
  readonly rows: readonly Row[];
  readonly page: Page;
  count(context: GraphqlContext): Promise<Total>;
};

type Ref<Row> = ObjectRef<typeof builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never, Row>;

/** The connection type of a list: `PaymentConnection` with `PaymentEdge`. */
export function connectionOf<Row extends { readonly id: string }>(name: string, plural: string, type: Ref<Row>) {
  const edge = builder.objectRef<Row>(`${name}Edge`).implement({
    description: `An entry of a list of ${plural}, and its position.`,
    fields: (t) => ({
      cursor: t.string({ description: 'The position in the list, for `after` and `before`.', resolve: cursorOf }),
      node: t.field({ type, description: 'The entry.', resolve: (row) => row as never }),
    }),
  });
  return builder.objectRef<List<Row>>(`${name}Connection`).implement({
    description: `A page of ${plural}.`,
    fields: (t) => ({
      edges: t.field({
        complexity: { multiplier: 1 },
        type: [edge],
        description: `The ${plural} of the page with their cursors.`,
        resolve: ({ rows }) => [...rows] as never,
      }),
      nodes: t.field({
        complexity: { multiplier: 1 },
        type: [type],
        description: `The ${plural} of the page.`,
        resolve: ({ rows }) => [...rows] as never,
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: 'The position of the page in the list.',
        resolve: ({ page }) => page,
      }),
      totalCount: t.field({
        type: TotalCount,
        complexity: totalCountComplexity,
        description: `The number of ${plural} that match, on all pages.`,
        resolve: ({ count }, _args, context) => count(context),
      }),
    }),
  });
}
