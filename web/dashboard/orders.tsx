import { type ReactNode, useEffect, useId, useState } from 'react';
import type { OrdersPageQuery, OrdersPageQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import {
  conditionsOf,
  isUnfiltered,
  methods,
  type OrderConditions,
  orderStatuses,
  paidStatuses,
  placeOf,
  searchLengthMin,
  variablesOf,
} from './order-filter.ts';
import { Link, navigate } from './router.tsx';
import { Empty, Failure, Icon, Money, Skeleton, Status, Time, useNames } from './ui.tsx';
import { useQuery } from './use-query.ts';

const ordersQuery = operation<OrdersPageQuery, OrdersPageQueryVariables>(/* GraphQL */ `
  query OrdersPage(
    $filter: OrderFilter
    $orderBy: OrderSort
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    orders(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      nodes {
        id
        number
        status
        paymentStatus
        needsReview
        customerId
        createdAt
        total {
          amountMinor
          currency
        }
        payments {
          id
          method
        }
      }
      totalCount {
        value
        isCapped
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`);

const texts = defineTexts(
  {
    title: 'Orders',
    search: 'Search',
    searchHint: 'Number, id, provider’s number, customer or metadata',
    searchShort: 'Type at least {count} characters.',
    count: { one: '{count} order', other: '{count} orders' },
    countCapped: 'more than {count} orders',
    status: 'Status',
    paid: 'Payment',
    method: 'Method',
    from: 'From',
    to: 'To',
    review: 'Needs review',
    sort: 'Sort',
    newest: 'Newest first',
    oldest: 'Oldest first',
    any: 'Any',
    filters: 'Filters',
    clear: 'Clear filters',
    order: 'Order',
    created: 'Created',
    total: 'Total',
    customer: 'Customer',
    previous: 'Previous page',
    next: 'Next page',
    noneTitle: 'No orders yet',
    noneHint: 'An order appears here as soon as it is created.',
    noMatchTitle: 'No order matches',
    noMatchHint: 'Change or clear the filters.',
    inReview: 'In review',
  },
  {
    title: '订单',
    search: '搜索',
    searchHint: '订单号、编号、渠道单号、顾客或元数据',
    searchShort: '请至少输入 {count} 个字符。',
    count: '共 {count} 个订单',
    countCapped: '超过 {count} 个订单',
    status: '状态',
    paid: '付款',
    method: '支付方式',
    from: '开始日期',
    to: '结束日期',
    review: '需要复核',
    sort: '排序',
    newest: '最新优先',
    oldest: '最早优先',
    any: '不限',
    filters: '筛选',
    clear: '清除筛选',
    order: '订单',
    created: '创建时间',
    total: '总额',
    customer: '顾客',
    previous: '上一页',
    next: '下一页',
    noneTitle: '暂无订单',
    noneHint: '订单创建后会立即显示在这里。',
    noMatchTitle: '没有符合条件的订单',
    noMatchHint: '请更改或清除筛选条件。',
    inReview: '复核中',
  },
);

export function Orders({ query }: { readonly query: URLSearchParams }) {
  const t = useTexts(texts);
  const conditions = conditionsOf(query);
  const { data, error, isLoading, reload } = useQuery(
    ordersQuery,
    variablesOf(conditions),
    ({ orderId, type }, shown) =>
      type === 'ORDER_CREATED' ||
      !isUnfiltered(conditions) ||
      shown?.orders?.nodes.some(({ id }) => id === orderId) === true,
  );
  const orders = data?.orders ?? null;
  return (
    <>
      <div className="page-head">
        <h1>{t('title')}</h1>
      </div>
      <Filters conditions={conditions} />
      <section className="panel" aria-label={t('title')} aria-busy={isLoading}>
        {error !== null && orders === null && <Failure error={error} onRetry={reload} />}
        {error === null && orders === null && <Skeleton rows={10} />}
        {orders !== null && orders.nodes.length === 0 && (
          <Empty title={isUnfiltered(conditions) ? t('noneTitle') : t('noMatchTitle')}>
            {isUnfiltered(conditions) ? t('noneHint') : t('noMatchHint')}
          </Empty>
        )}
        {orders !== null && orders.nodes.length > 0 && <OrderTable orders={orders.nodes} />}
        {orders !== null && orders.nodes.length > 0 && <Pager conditions={conditions} orders={orders} />}
      </section>
    </>
  );
}

type Row = OrderList['nodes'][number];

export function OrderTable({ orders }: { readonly orders: readonly Row[] }) {
  const t = useTexts(texts);
  const name = useNames();
  return (
    <table className="table order-table">
      <thead>
        <tr>
          <th scope="col">{t('order')}</th>
          <th scope="col">{t('created')}</th>
          <th scope="col">{t('status')}</th>
          <th scope="col">{t('paid')}</th>
          <th scope="col">{t('method')}</th>
          <th scope="col">{t('customer')}</th>
          <th scope="col" className="right">
            {t('total')}
          </th>
        </tr>
      </thead>
      <tbody>
        {orders.map((order) => {
          const used = [...new Set(order.payments.map(({ method }) => method))];
          return (
            <tr key={order.id} data-order={order.id}>
              <td className="cell-main">
                <Link to={`/orders/${order.id}`} className="row-link">
                  {order.number}
                </Link>
                {order.needsReview.length > 0 && (
                  <span className="badge" data-tone="warn">
                    {t('inReview')}
                  </span>
                )}
              </td>
              <td className="cell-time">
                <Time value={order.createdAt} />
              </td>
              <td className="cell-status">
                <Status kind="order" value={order.status} />
              </td>
              <td className="cell-paid">
                <Status kind="paid" value={order.paymentStatus} />
              </td>
              <td className="cell-method muted">{used.map((method) => name('method', method)).join(', ') || '–'}</td>
              <td className="cell-customer muted">{order.customerId ?? '–'}</td>
              <td className="cell-total right">
                <Money value={order.total} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

type OrderList = NonNullable<OrdersPageQuery['orders']>;

function Pager({ conditions, orders }: { readonly conditions: OrderConditions; readonly orders: OrderList }) {
  const t = useTexts(texts);
  const { hasPreviousPage, hasNextPage, startCursor, endCursor } = orders.pageInfo;
  const { value: count, isCapped } = orders.totalCount;
  const to = (place: Partial<OrderConditions>) => navigate(placeOf({ ...conditions, after: '', before: '', ...place }));
  return (
    <div className="pager">
      <p className="muted">{isCapped ? t('countCapped', { count }) : t('count', { count })}</p>
      <button
        type="button"
        className="button"
        disabled={!hasPreviousPage || startCursor === null}
        onClick={() => to({ before: startCursor ?? '' })}
      >
        <Icon name="left" />
        {t('previous')}
      </button>
      <button
        type="button"
        className="button"
        disabled={!hasNextPage || endCursor === null}
        onClick={() => to({ after: endCursor ?? '' })}
      >
        {t('next')}
        <Icon name="right" />
      </button>
    </div>
  );
}

const typingMs = 300;

function Filters({ conditions }: { readonly conditions: OrderConditions }) {
  const t = useTexts(texts);
  const name = useNames();
  const set = (changes: Partial<OrderConditions>, replaces = false) =>
    navigate(placeOf({ ...conditions, after: '', before: '', ...changes }), replaces);
  const [isOpen, setOpen] = useState(false);
  return (
    <search className="filters" data-open={isOpen}>
      <SearchField label={t('search')} value={conditions.search} onSearch={(search) => set({ search }, true)} />
      <button
        type="button"
        className="button filters-toggle"
        aria-expanded={isOpen}
        onClick={() => setOpen((before) => !before)}
      >
        {t('filters')}
      </button>
      <Choice label={t('status')} value={conditions.status} onChoose={(status) => set({ status })}>
        {orderStatuses.map((status) => (
          <option key={status} value={status}>
            {name('order', status)}
          </option>
        ))}
      </Choice>
      <Choice label={t('paid')} value={conditions.paid} onChoose={(paid) => set({ paid })}>
        {paidStatuses.map((paid) => (
          <option key={paid} value={paid}>
            {name('paid', paid)}
          </option>
        ))}
      </Choice>
      <Choice label={t('method')} value={conditions.method} onChoose={(method) => set({ method })}>
        {methods.map((method) => (
          <option key={method} value={method}>
            {name('method', method)}
          </option>
        ))}
      </Choice>
      <div className="days">
        <DayField label={t('from')} value={conditions.from} onChange={(from) => set({ from })} />
        <DayField label={t('to')} value={conditions.to} onChange={(to) => set({ to })} />
      </div>
      <Choice label={t('sort')} value={conditions.sort} onChoose={(sort) => set({ sort })} any={t('newest')}>
        <option value="oldest">{t('oldest')}</option>
      </Choice>
      <label className="check">
        <input
          type="checkbox"
          checked={conditions.review === 'yes'}
          onChange={({ target }) => set({ review: target.checked ? 'yes' : '' })}
        />
        {t('review')}
      </label>
      {!isUnfiltered(conditions) && (
        <button type="button" className="button" data-kind="plain" onClick={() => navigate('/orders')}>
          <Icon name="close" />
          {t('clear')}
        </button>
      )}
    </search>
  );
}

type ChoiceProps = {
  readonly label: string;
  readonly value: string;
  readonly onChoose: (value: string) => void;
  readonly any?: string;
  readonly children: ReactNode;
};

function Choice({ label, value, onChoose, any, children }: ChoiceProps) {
  const t = useTexts(texts);
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="input" value={value} onChange={({ target }) => onChoose(target.value)}>
        <option value="">{any ?? t('any')}</option>
        {children}
      </select>
    </div>
  );
}

type TextFieldProps = { readonly label: string; readonly value: string; readonly onChange: (value: string) => void };

function DayField({ label, value, onChange }: TextFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} type="date" className="input" value={value} onChange={({ target }) => onChange(target.value)} />
    </div>
  );
}

type SearchFieldProps = { readonly label: string; readonly value: string; readonly onSearch: (value: string) => void };

/** Searches when the typing pauses, and at once with Enter. */
function SearchField({ label, value, onSearch }: SearchFieldProps) {
  const t = useTexts(texts);
  const id = useId();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies(onSearch): it is another function each time
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(() => onSearch(typed.trim()), typingMs);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return (
    <div className="field search-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="search"
        className="input"
        autoComplete="off"
        spellCheck={false}
        placeholder={t('searchHint')}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
      />
      <p className="hint" role="status">
        {typed.trim() !== '' && typed.trim().length < searchLengthMin
          ? t('searchShort', { count: searchLengthMin })
          : ''}
      </p>
    </div>
  );
}
