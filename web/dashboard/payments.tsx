import type { PaymentsPageQuery, PaymentsPageQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { ConstantChoice, SearchField } from './list-fields.tsx';
import { ListPage } from './list-page.tsx';
import { listTexts } from './list-texts.ts';
import { conditionsOf, paymentStatuses, variablesOf } from './payment-filter.ts';
import { Link } from './router.tsx';
import { Money, Status, Time, useNames } from './ui.tsx';

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
  return (
    <ListPage
      kind="payments"
      title={t('title')}
      operation={paymentsQuery}
      variables={variablesOf(conditions)}
      listOf={({ payments }) => payments}
      conditions={conditions}
      filters={(set) => ({
        search: (
          <SearchField
            hint={t('searchHint')}
            value={conditions.number}
            lengthMin={1}
            onSearch={(number) => set({ number }, true)}
          />
        ),
        choices: (
          <ConstantChoice
            label={common('status')}
            kind="payment"
            values={paymentStatuses}
            value={conditions.status}
            onChoose={(status) => set({ status })}
          />
        ),
      })}
      entryOf={({ paymentId }) => paymentId}
      isArrival={({ type }) => type === 'PAYMENT_STARTED'}
      none={{ title: t('noneTitle'), hint: t('noneHint') }}
      noMatch={t('noMatchTitle')}
      count={(count, isCapped) => t(isCapped ? 'countCapped' : 'count', { count })}
    >
      {({ nodes }) => <PaymentTable payments={nodes} />}
    </ListPage>
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
              <Link to={`/orders/${payment.order.id}`} className="row-link" title={payment.order.number}>
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
