import type { ReactNode } from 'react';
import type { ToDoQuery } from '../../generated/web/operations.ts';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { AskProvider } from './ask-provider.tsx';
import { DecideRefund } from './decide-refund.tsx';
import { Link } from './router.tsx';
import { useSession } from './session.ts';
import { shownMax } from './to-do.ts';
import { Ago, Empty, Failure, Money, Panel, Skeleton, Status, useNames } from './ui.tsx';
import type { Loaded } from './use-query.ts';

const texts = defineTexts(
  {
    title: 'To do',
    refunds: 'Refunds to approve',
    noRefunds: 'No refund waits',
    noRefundsHint: 'Refunds above the limit of the merchant wait here for a second person.',
    payments: 'Payments with an unknown outcome',
    noPayments: 'Every outcome is known',
    noPaymentsHint: 'After a timeout, a payment is here until its provider gives a clear answer.',
    reviews: 'Orders in review',
    noReviews: 'Nothing to review',
    noReviewsHint: 'Orders are here when a person has to decide.',
    requestedBy: 'requested by {who}',
    nextCheck: 'next check',
    more: 'The oldest {count} are shown.',
  },
  {
    title: '待办',
    refunds: '待审批的退款',
    noRefunds: '没有待审批的退款',
    noRefundsHint: '超过商户限额的退款需由第二人审批，会显示在这里。',
    payments: '结果未知的支付',
    noPayments: '所有支付结果均已明确',
    noPaymentsHint: '超时后，支付会显示在这里，直到渠道给出明确结果。',
    reviews: '复核中的订单',
    noReviews: '没有待复核的订单',
    noReviewsHint: '需要人工决定的订单会显示在这里。',
    requestedBy: '申请人：{who}',
    nextCheck: '下次查询',
    more: '仅显示最早的 {count} 条。',
  },
);

export function Attention({ toDo: { data, error, reload } }: { readonly toDo: Loaded<ToDoQuery> }) {
  const t = useTexts(texts);
  const name = useNames();
  const { viewer } = useSession();
  const listOf = (rows: readonly ReactNode[] | undefined, total: number | undefined, empty: ReactNode) => (
    <>
      {rows === undefined && (error === null ? <Skeleton /> : <Failure error={error} onRetry={reload} />)}
      {rows?.length === 0 && empty}
      <ul className="todo">{rows}</ul>
      {total !== undefined && total > shownMax && <p className="muted more">{t('more', { count: shownMax })}</p>}
    </>
  );
  return (
    <>
      <div className="page-head">
        <h1>{t('title')}</h1>
      </div>
      <Panel title={t('refunds')} isFlush>
        {listOf(
          data?.refunds?.nodes.map((refund) => (
            <li key={refund.id} className="todo-row" data-refund={refund.id}>
              <Link to={`/orders/${refund.order.id}`} title={refund.order.number}>
                {refund.order.number}
              </Link>
              <span className="todo-what">
                {name('method', refund.payment.method)}
                <span className="muted">
                  {' · '}
                  <Ago value={refund.createdAt} />
                  {refund.requestedBy?.id != null && <> · {t('requestedBy', { who: refund.requestedBy.id })}</>}
                  {refund.reason !== null && <> · “{refund.reason}”</>}
                </span>
              </span>
              <span className="todo-amount">
                <Money value={refund.amount} />
              </span>
              <DecideRefund refund={refund} onDone={reload} />
            </li>
          )),
          data?.refunds?.totalCount.value,
          <Empty title={t('noRefunds')}>{t('noRefundsHint')}</Empty>,
        )}
      </Panel>
      <Panel title={t('payments')} isFlush>
        {listOf(
          data?.payments?.nodes.map((payment) => (
            <li key={payment.id} className="todo-row" data-payment={payment.id}>
              <Link to={`/orders/${payment.order.id}`} title={payment.order.number}>
                {payment.order.number}
              </Link>
              <span className="todo-what">
                {name('method', payment.method)}
                <span className="muted">
                  {' · '}
                  <Ago value={payment.createdAt} />
                  {payment.nextCheckAt !== null && (
                    <>
                      {' · '}
                      {t('nextCheck')} <Ago value={payment.nextCheckAt} />
                    </>
                  )}
                </span>
              </span>
              <span className="todo-amount">
                <Money value={payment.amount} />
              </span>
              {viewer.role !== 'VIEWER' && (
                <div className="actions">
                  <AskProvider paymentId={payment.id} onDone={reload} />
                </div>
              )}
            </li>
          )),
          data?.payments?.totalCount.value,
          <Empty title={t('noPayments')}>{t('noPaymentsHint')}</Empty>,
        )}
      </Panel>
      <Panel title={t('reviews')} isFlush>
        {listOf(
          data?.orders?.nodes.map((order) => (
            <li key={order.id} className="todo-row">
              <Link to={`/orders/${order.id}`} title={order.number}>
                {order.number}
              </Link>
              <span className="todo-badges">
                {order.needsReview.map((reason) => (
                  <Status key={reason} kind="review" value={reason} />
                ))}
                <span className="muted">
                  <Ago value={order.createdAt} />
                </span>
              </span>
              <span className="todo-amount">
                <Money value={order.total} />
              </span>
            </li>
          )),
          data?.orders?.totalCount.value,
          <Empty title={t('noReviews')}>{t('noReviewsHint')}</Empty>,
        )}
      </Panel>
    </>
  );
}
