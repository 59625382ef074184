import type { OrdersPageQuery, OrdersPageQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { ConstantChoice, SearchField } from './list-fields.tsx';
import { ListPage } from './list-page.tsx';
import { listTexts } from './list-texts.ts';
import { conditionsOf, orderStatuses, paidStatuses, searchLengthMin, variablesOf } from './order-filter.ts';
import { Link } from './router.tsx';
import { Money, Status, Time, useNames } from './ui.tsx';

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
    searchHint: 'Number, id, provider’s number, customer or metadata',
    count: { one: '{count} order', other: '{count} orders' },
    countCapped: 'more than {count} orders',
    paid: 'Payment',
    review: 'Needs review',
    created: 'Created',
    total: 'Total',
    customer: 'Customer',
    noneTitle: 'No orders yet',
    noneHint: 'An order appears here as soon as it is created.',
    noMatchTitle: 'No order matches',
    inReview: 'In review',
  },
  {
    title: '订单',
    searchHint: '订单号、编号、渠道单号、顾客或元数据',
    count: '共 {count} 个订单',
    countCapped: '超过 {count} 个订单',
    paid: '付款',
    review: '需要复核',
    created: '创建时间',
    total: '总额',
    customer: '顾客',
    noneTitle: '暂无订单',
    noneHint: '订单创建后会立即显示在这里。',
    noMatchTitle: '没有符合条件的订单',
    inReview: '复核中',
  },
);

type OrderList = NonNullable<OrdersPageQuery['orders']>;

export function Orders({ query }: { readonly query: URLSearchParams }) {
  const t = useTexts(texts);
  const common = useTexts(listTexts);
  const conditions = conditionsOf(query);
  return (
    <ListPage
      kind="orders"
      title={t('title')}
      operation={ordersQuery}
      variables={variablesOf(conditions)}
      listOf={({ orders }) => orders}
      conditions={conditions}
      filters={(set) => ({
        search: (
          <SearchField
            hint={t('searchHint')}
            value={conditions.search}
            lengthMin={searchLengthMin}
            onSearch={(search) => set({ search }, true)}
          />
        ),
        choices: (
          <>
            <ConstantChoice
              label={common('status')}
              kind="order"
              values={orderStatuses}
              value={conditions.status}
              onChoose={(status) => set({ status })}
            />
            <ConstantChoice
              label={t('paid')}
              kind="paid"
              values={paidStatuses}
              value={conditions.paid}
              onChoose={(paid) => set({ paid })}
            />
          </>
        ),
        more: (
          <label className="check">
            <input
              type="checkbox"
              checked={conditions.review === 'yes'}
              onChange={({ target }) => set({ review: target.checked ? 'yes' : '' })}
            />
            {t('review')}
          </label>
        ),
      })}
      entryOf={({ orderId }) => orderId}
      isArrival={({ type }) => type === 'ORDER_CREATED'}
      none={{ title: t('noneTitle'), hint: t('noneHint') }}
      noMatch={t('noMatchTitle')}
      count={(count, isCapped) => t(isCapped ? 'countCapped' : 'count', { count })}
    >
      {({ nodes }) => <OrderTable orders={nodes} />}
    </ListPage>
  );
}

function OrderTable({ orders }: { readonly orders: OrderList['nodes'] }) {
  const t = useTexts(texts);
  const common = useTexts(listTexts);
  const name = useNames();
  return (
    <table className="table list-table">
      <thead>
        <tr>
          <th scope="col">{common('order')}</th>
          <th scope="col">{t('created')}</th>
          <th scope="col">{common('status')}</th>
          <th scope="col">{t('paid')}</th>
          <th scope="col">{common('method')}</th>
          <th scope="col" className="cell-extra">
            {t('customer')}
          </th>
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
                <Link to={`/orders/${order.id}`} className="row-link" title={order.number}>
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
              <td className="cell-side">
                <Status kind="order" value={order.status} />
              </td>
              <td className="cell-state">
                <Status kind="paid" value={order.paymentStatus} />
              </td>
              <td className="cell-side muted">{used.map((method) => name('method', method)).join(', ') || '–'}</td>
              <td className="cell-side cell-extra cell-long muted">{order.customerId ?? '–'}</td>
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
