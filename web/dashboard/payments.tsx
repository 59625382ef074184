import type { PaymentsPageQuery, PaymentsPageQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { ExportButton } from './export-button.tsx';
import { isUnfiltered, placeIn } from './list-conditions.ts';
import { ConstantChoice, Filters, SearchField, type SetConditions } from './list-fields.tsx';
import { ListPanel } from './list-panel.tsx';
import { listTexts } from './list-texts.ts';
import { conditionsOf, paymentStatuses, variablesOf } from './payment-filter.ts';
import { Link, navigate } from './router.tsx';
import { Money, Status, Time, useNames } from './ui.tsx';
import { useQuery } from './use-query.ts';

const paymentsQuery = operation<PaymentsPageQuery, PaymentsPageQueryVariables>(/* GraphQL */ `
  query PaymentsPage(
    $filter: PaymentFilter
    $orderBy: PaymentSort
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    payments(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      nodes {
        id
        method
        flow
        status
        createdAt
        providerPaymentId
        amount {
          amountMinor
          currency
        }
        refunded {
          amountMinor
          currency
        }
        card {
          brand
          last4
        }
        order {
          id
          number
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
    title: 'Payments',
    searchHint: 'Provider’s number',
    count: { one: '{count} payment', other: '{count} payments' },
    countCapped: 'more than {count} payments',
    started: 'Started',
    providerId: 'Provider’s number',
    refunded: 'Refunded',
    amount: 'Amount',
    noneTitle: 'No payments yet',
    noneHint: 'A payment appears here as soon as a buyer starts it.',
    noMatchTitle: 'No payment matches',
  },
  {
    title: '支付',
    searchHint: '渠道单号',
    count: '共 {count} 笔支付',
    countCapped: '超过 {count} 笔支付',
    started: '发起时间',
    providerId: '渠道单号',
    refunded: '已退款',
    amount: '金额',
    noneTitle: '暂无支付',
    noneHint: '买家发起支付后会立即显示在这里。',
    noMatchTitle: '没有符合条件的支付',
  },
);

type PaymentList = NonNullable<PaymentsPageQuery['payments']>;

export function Payments({ query }: { readonly query: URLSearchParams }) {
  const t = useTexts(texts);
  const common = useTexts(listTexts);
  const conditions = conditionsOf(query);
  const variables = variablesOf(conditions);
  const isAll = isUnfiltered(conditions);
  const loaded = useQuery(
    paymentsQuery,
    variables,
    ({ paymentId, type }, shown) =>
      paymentId !== null &&
      (type === 'PAYMENT_STARTED' || !isAll || shown?.payments?.nodes.some(({ id }) => id === paymentId) === true),
  );
  const set: SetConditions = (changes, replaces) =>
    navigate(placeIn('/payments', { ...conditions, after: '', before: '', ...changes }), replaces);
  const countOf = ({ totalCount: { value: count, isCapped } }: PaymentList) =>
    isCapped ? t('countCapped', { count }) : t('count', { count });
  return (
    <>
      <div className="page-head">
        <h1>{t('title')}</h1>
        <ExportButton kind="payments" variables={variables} />
      </div>
      <Filters
        conditions={conditions}
        set={set}
        onClear={() => navigate('/payments')}
        search={
          <SearchField
            hint={t('searchHint')}
            value={conditions.number}
            lengthMin={1}
            onSearch={(number) => set({ number }, true)}
          />
        }
        choices={
          <ConstantChoice
            label={common('status')}
            kind="payment"
            values={paymentStatuses}
            value={conditions.status}
            onChoose={(status) => set({ status })}
          />
        }
      />
      <ListPanel
        title={t('title')}
        list={loaded.data?.payments}
        loaded={loaded}
        empty={
          isAll
            ? { title: t('noneTitle'), hint: t('noneHint') }
            : { title: t('noMatchTitle'), hint: common('noMatchHint') }
        }
        count={countOf}
        set={set}
      >
        {({ nodes }) => <PaymentTable payments={nodes} />}
      </ListPanel>
    </>
  );
}

function PaymentTable({ payments }: { readonly payments: PaymentList['nodes'] }) {
  const t = useTexts(texts);
  const common = useTexts(listTexts);
  const name = useNames();
  return (
    <table className="table list-table">
      <thead>
        <tr>
          <th scope="col">{common('order')}</th>
          <th scope="col">{t('started')}</th>
          <th scope="col">{common('method')}</th>
          <th scope="col">{common('status')}</th>
          <th scope="col" className="cell-extra">
            {t('providerId')}
          </th>
          <th scope="col" className="right">
            {t('refunded')}
          </th>
          <th scope="col" className="right">
            {t('amount')}
          </th>
        </tr>
      </thead>
      <tbody>
        {payments.map((payment) => (
          <tr key={payment.id} data-payment={payment.id}>
            <td className="cell-main">
              <Link to={`/orders/${payment.order.id}`} className="row-link">
                {payment.order.number}
              </Link>
            </td>
            <td className="cell-time">
              <Time value={payment.createdAt} />
              <span className="narrow-only"> · {name('method', payment.method)}</span>
            </td>
            <td className="cell-side">
              {name('method', payment.method)}{' '}
              {payment.card === null ? (
                <span className="muted">{name('flow', payment.flow)}</span>
              ) : (
                <span className="muted">
                  <span className="card-brand">{payment.card.brand}</span> •••• {payment.card.last4}
                </span>
              )}
            </td>
            <td className="cell-state">
              <Status kind="payment" value={payment.status} />
            </td>
            <td className="cell-side cell-extra cell-long muted" title={payment.providerPaymentId ?? undefined}>
              {payment.providerPaymentId === null ? '–' : <code>{payment.providerPaymentId}</code>}
            </td>
            <td className="cell-side right muted">
              {payment.refunded.amountMinor === 0 ? '–' : <Money value={payment.refunded} />}
            </td>
            <td className="cell-total right">
              <Money value={payment.amount} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
