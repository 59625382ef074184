import type { ReactNode } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import type { SetConditions } from './list-fields.tsx';
import { listTexts } from './list-texts.ts';
import { Empty, Failure, Icon, Skeleton } from './ui.tsx';
import type { Loaded } from './use-query.ts';

/** A page of a list, as the API returns it. */
export type Page = {
  readonly nodes: readonly { readonly id: string }[];
  /** The number of entries on all pages. Long lists are not counted to their end. */
  readonly totalCount: { readonly value: number; readonly isCapped: boolean };
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
};

type ListPanelProps<List extends Page> = {
  readonly title: string;
  /** Null before the first answer. */
  readonly list: List | null;
  readonly loaded: Pick<Loaded<unknown>, 'error' | 'isLoading' | 'reload'>;
  readonly empty: { readonly title: string; readonly hint: string };
  /** How many entries there are on all pages, in words. */
  readonly count: (list: List) => string;
  readonly set: SetConditions;
  readonly children: (list: List) => ReactNode;
};

/** A page of a list, with the ways to the next and the previous one; or why there is nothing. */
export function ListPanel<List extends Page>(props: ListPanelProps<List>) {
  const { title, list, loaded, empty, count, set, children } = props;
  const { error, isLoading, reload } = loaded;
  return (
    <section className="panel" aria-label={title} aria-busy={isLoading}>
      {error !== null && list === null && <Failure error={error} onRetry={reload} />}
      {error === null && list === null && <Skeleton rows={10} />}
      {list !== null && list.nodes.length === 0 && <Empty title={empty.title}>{empty.hint}</Empty>}
      {list !== null && list.nodes.length > 0 && children(list)}
      {list !== null && list.nodes.length > 0 && <Pager count={count(list)} page={list.pageInfo} set={set} />}
    </section>
  );
}

type PagerProps = { readonly count: string; readonly page: Page['pageInfo']; readonly set: SetConditions };

function Pager({ count, page, set }: PagerProps) {
  const t = useTexts(listTexts);
  const { hasPreviousPage, hasNextPage, startCursor, endCursor } = page;
  return (
    <div className="pager">
      <p className="muted">{count}</p>
      <button
        type="button"
        className="button"
        disabled={!hasPreviousPage || startCursor === null}
        onClick={() => set({ before: startCursor ?? '' })}
      >
        <Icon name="left" />
        {t('previous')}
      </button>
      <button
        type="button"
        className="button"
        disabled={!hasNextPage || endCursor === null}
        onClick={() => set({ after: endCursor ?? '' })}
      >
        {t('next')}
        <Icon name="right" />
      </button>
    </div>
  );
}
