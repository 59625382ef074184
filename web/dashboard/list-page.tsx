import type { OrderEvent } from '@paystream/client';
import type { ReactNode } from 'react';
import type { Operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { ExportButton } from './export-button.tsx';
import type { ExportKind, ExportVariables } from './export-file.ts';
import { isUnfiltered, type ListConditions, placeIn } from './list-conditions.ts';
import { Filters, type OwnFilters, type SetConditions } from './list-fields.tsx';
import { ListPanel, type Page } from './list-panel.tsx';
import { listTexts } from './list-texts.ts';
import { navigate } from './router.tsx';
import { useQuery } from './use-query.ts';

type ListPageProps<Result, Variables, List> = {
  /** The path of the page, and the name of the list in exports. */
  readonly kind: ExportKind;
  readonly title: string;
  readonly operation: Operation<Result, Variables>;
  readonly variables: Variables;
  readonly listOf: (result: Result) => List | null;
  /** The conditions that are in the address. */
  readonly conditions: ListConditions & Readonly<Record<string, string>>;
  /** The filters that this list alone has. */
  readonly filters: (set: SetConditions) => OwnFilters;
  /** The id of the entry that an event is about; null for an event that changes no entry. */
  readonly entryOf: (event: OrderEvent) => string | null;
  /** True for an event that can bring a new entry into the list. */
  readonly isArrival: (event: OrderEvent) => boolean;
  readonly none: { readonly title: string; readonly hint: string };
  readonly noMatch: string;
  /** How many entries there are on all pages, in words. */
  readonly count: (count: number, isCapped: boolean) => string;
  readonly children: (list: List) => ReactNode;
};

/** A page with a list: its export, its filters, and the entries that match, which stay up to date. */
export function ListPage<Result, Variables extends ExportVariables & object, List extends Page>(
  props: ListPageProps<Result, Variables, List>,
) {
  const { kind, title, operation, variables, listOf, conditions, filters, none, noMatch, count, children } = props;
  const t = useTexts(listTexts);
  const path = `/${kind}`;
  const isAll = isUnfiltered(conditions);
  const loaded = useQuery(operation, variables, (event, shown) => {
    const id = props.entryOf(event);
    if (id === null) return false;
    // Under filters any event can bring an entry into the list.
    if (!isAll || props.isArrival(event)) return true;
    return shown !== null && listOf(shown)?.nodes.some((entry) => entry.id === id) === true;
  });
  const set: SetConditions = (changes, replaces) =>
    navigate(placeIn(path, { ...conditions, after: '', before: '', ...changes }), replaces);
  return (
    <>
      <div className="page-head">
        <h1>{title}</h1>
        <ExportButton kind={kind} variables={variables} />
      </div>
      <Filters conditions={conditions} set={set} onClear={() => navigate(path)} {...filters(set)} />
      <ListPanel
        title={title}
        list={loaded.data === null ? null : listOf(loaded.data)}
        loaded={loaded}
        empty={isAll ? none : { title: noMatch, hint: t('noMatchHint') }}
        count={({ totalCount: { value, isCapped } }) => count(value, isCapped)}
        set={set}
      >
        {children}
      </ListPanel>
    </>
  );
}
