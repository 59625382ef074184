import type { RefundsPageQuery, RefundsPageQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { ExportButton } from './export-button.tsx';
import { isUnfiltered, placeIn } from './list-conditions.ts';
import { ConstantChoice, Filters, type SetConditions } from './list-fields.tsx';
import { ListPanel } from './list-panel.tsx';
import { listTexts } from './list-texts.ts';
import { approvals, conditionsOf, refundStatuses, variablesOf } from './refund-filter.ts';
import { Link, navigate } from './router.tsx';
import { Money, Status, Time, useNames } from './ui.tsx';
import { useQuery } from './use-query.ts';

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
  const variables = variablesOf(conditions);
  const isAll = isUnfiltered(conditions);
  // Every event of a refund: there are few, and the first one of a refund depends on its origin.
  const loaded = useQuery(refundsQuery, variables, ({ refundId }) => refundId !== null);
  const set: SetConditions = (changes, replaces) =>
    navigate(placeIn('/refunds', { ...conditions, after: '', before: '', ...changes }), replaces);
  const countOf = ({ totalCount: { value: count, isCapped } }: RefundList) =>
    isCapped ? t('countCapped', { count }) : t('count', { count });
  return (
    <>
      <div className="page-head">
        <h1>{t('title')}</h1>
        <ExportButton kind="refunds" variables={variables} />
      </div>
      <Filters
        conditions={conditions}
        set={set}
        onClear={() => navigate('/refunds')}
        choices={
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
        }
      />
      <ListPanel
        title={t('title')}
        list={loaded.data?.refunds}
        loaded={loaded}
        empty={
          isAll
            ? { title: t('noneTitle'), hint: t('noneHint') }
            : { title: t('noMatchTitle'), hint: common('noMatchHint') }
        }
        count={countOf}
        set={set}
      >
        {({ nodes }) => <RefundTable refunds={nodes} />}
      </ListPanel>
    </>
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
              <Link to={`/orders/${refund.order.id}`} className="row-link">
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
