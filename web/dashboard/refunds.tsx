import type { RefundsPageQuery, RefundsPageQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { ConstantChoice } from './list-fields.tsx';
import { ListPage } from './list-page.tsx';
import { listTexts } from './list-texts.ts';
import { approvals, conditionsOf, refundStatuses, variablesOf } from './refund-filter.ts';
import { Link } from './router.tsx';
import { Money, Status, Time, useNames } from './ui.tsx';

const refundsQuery = operation<RefundsPageQuery, RefundsPageQueryVariables>(/* GraphQL */ `
  query RefundsPage(
    $filter: RefundFilter
    $orderBy: RefundSort
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    refunds(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      nodes {
        id
        status
        approval
        origin
        reason
        createdAt
        amount {
          amountMinor
          currency
        }
        requestedBy {
          kind
          id
        }
        payment {
          id
          method
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
    title: 'Refunds',
    count: { one: '{count} refund', other: '{count} refunds' },
    countCapped: 'more than {count} refunds',
    requested: 'Requested',
    approval: 'Approval',
    by: 'By',
    reason: 'Reason',
    amount: 'Amount',
    noneTitle: 'No refunds yet',
    noneHint: 'A refund appears here as soon as it is requested, also in the provider’s console.',
    noMatchTitle: 'No refund matches',
  },
  {
    title: '退款',
    count: '共 {count} 笔退款',
    countCapped: '超过 {count} 笔退款',
    requested: '申请时间',
    approval: '审批',
    by: '申请人',
    reason: '原因',
    amount: '金额',
    noneTitle: '暂无退款',
    noneHint: '退款申请后会立即显示在这里，包括在支付渠道后台发起的退款。',
    noMatchTitle: '没有符合条件的退款',
  },
);

type RefundList = NonNullable<RefundsPageQuery['refunds']>;

export function Refunds({ query }: { readonly query: URLSearchParams }) {
  const t = useTexts(texts);
  const common = useTexts(listTexts);
  const conditions = conditionsOf(query);
  return (
    <ListPage
      kind="refunds"
      title={t('title')}
      operation={refundsQuery}
      variables={variablesOf(conditions)}
      listOf={({ refunds }) => refunds}
      conditions={conditions}
      filters={(set) => ({
        choices: (
          <>
            <ConstantChoice
              label={common('status')}
              kind="refund"
              values={refundStatuses}
              value={conditions.status}
              onChoose={(status) => set({ status })}
            />
            <ConstantChoice
              label={t('approval')}
              kind="approval"
              values={approvals}
              value={conditions.approval}
              onChoose={(approval) => set({ approval })}
            />
          </>
        ),
      })}
      entryOf={({ refundId }) => refundId}
      // Every event of a refund: there are few, and the first one of a refund depends on its origin.
      isArrival={() => true}
      none={{ title: t('noneTitle'), hint: t('noneHint') }}
      noMatch={t('noMatchTitle')}
      count={(count, isCapped) => t(isCapped ? 'countCapped' : 'count', { count })}
    >
      {({ nodes }) => <RefundTable refunds={nodes} />}
    </ListPage>
  );
}

function RefundTable({ refunds }: { readonly refunds: RefundList['nodes'] }) {
  const t = useTexts(texts);
  const common = useTexts(listTexts);
  const name = useNames();
  return (
    <table className="table list-table">
      <thead>
        <tr>
          <th scope="col">{common('order')}</th>
          <th scope="col">{t('requested')}</th>
          <th scope="col">{common('method')}</th>
          <th scope="col">{common('status')}</th>
          <th scope="col">{t('by')}</th>
          <th scope="col" className="cell-extra">
            {t('reason')}
          </th>
          <th scope="col" className="right">
            {t('amount')}
          </th>
        </tr>
      </thead>
      <tbody>
        {refunds.map((refund) => (
          <tr key={refund.id} data-refund={refund.id}>
            <td className="cell-main">
              <Link to={`/orders/${refund.order.id}`} className="row-link" title={refund.order.number}>
                {refund.order.number}
              </Link>
            </td>
            <td className="cell-time">
              <Time value={refund.createdAt} />
              <span className="narrow-only"> · {name('method', refund.payment.method)}</span>
            </td>
            <td className="cell-side">{name('method', refund.payment.method)}</td>
            <td className="cell-state">
              {refund.approval === 'NEEDED' || refund.approval === 'REJECTED' ? (
                <Status kind="approval" value={refund.approval} />
              ) : (
                <Status kind="refund" value={refund.status} />
              )}
            </td>
            <td className="cell-side cell-long muted">
              {refund.requestedBy === null
                ? name('origin', refund.origin)
                : (refund.requestedBy.id ?? name('actor', refund.requestedBy.kind))}
            </td>
            <td className="cell-side cell-extra cell-long muted" title={refund.reason ?? undefined}>
              {refund.reason ?? '–'}
            </td>
            <td className="cell-total right">
              <Money value={refund.amount} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
