import { useId } from 'react';
import type {
  PaymentFactStatus,
  ResolveReviewMutation,
  ResolveReviewMutationVariables,
} from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { actionTexts } from './action-texts.ts';
import { textOf } from './form-fields.tsx';
import { useMutation } from './mutation.ts';
import type { OrderShown } from './order-query.ts';
import { useNames } from './ui.tsx';

const resolveReview = operation<ResolveReviewMutation, ResolveReviewMutationVariables>(/* GraphQL */ `
  mutation ResolveReview($input: ResolveReviewInput!) {
    outcome: resolveReview(input: $input) {
      __typename
      ... on InvalidInputError {
        issues {
          path
          message
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

type Resolution = Omit<ResolveReviewMutationVariables['input'], 'orderId'>;

const factStatuses = [
  ['SUCCEEDED', 'factSucceeded'],
  ['FAILED', 'factFailed'],
  ['CANCELED', 'factCanceled'],
  ['EXPIRED', 'factExpired'],
] as const satisfies readonly (readonly [PaymentFactStatus, string])[];

export function ResolveReview({ order, onDone }: { readonly order: OrderShown; readonly onDone: () => void }) {
  const t = useTexts(actionTexts);
  const name = useNames();
  const noteId = useId();
  const lateId = useId();
  const mutate = useMutation();
  const unknown = order.payments.filter(({ status }) => status === 'UNKNOWN');
  const isLate = order.needsReview.includes('LATE_PAYMENT');
  const read = (form: FormData): { readonly input: Resolution } | { readonly problem: string } => {
    const reasons = order.needsReview.filter((reason) => form.getAll('reason').includes(reason));
    const note = textOf(form, 'note');
    if (reasons.length === 0 || note === '') return { problem: t('noteProblem') };
    const late = textOf(form, 'late');
    const payments = unknown.flatMap(({ id, amount }) => {
      const [status] = factStatuses.find(([known]) => known === textOf(form, id)) ?? [];
      if (status === undefined) return [];
      return [{ paymentId: id, status, capturedMinor: status === 'SUCCEEDED' ? amount.amountMinor : null }];
    });
    const latePayment = late === 'ACCEPT' || late === 'REFUND' ? late : null;
    return { input: { reasons, note, latePayment, payments } };
  };
  return (
    <ActionDialog<Resolution>
      name={`review.${order.id}`}
      label={t('resolve')}
      kind="primary"
      title={t('resolveTitle')}
      fields={(sent) => (
        <>
          <fieldset className="group">
            <legend>{t('settled')}</legend>
            {order.needsReview.map((reason) => (
              <label key={reason} className="check">
                <input
                  type="checkbox"
                  name="reason"
                  value={reason}
                  defaultChecked={sent?.reasons.includes(reason) ?? order.needsReview.length === 1}
                />
                {name('review', reason)}
              </label>
            ))}
          </fieldset>
          {isLate && (
            <div className="field">
              <label htmlFor={lateId}>{t('late')}</label>
              <select id={lateId} name="late" className="input" defaultValue={sent?.latePayment ?? ''}>
                <option value="">{t('lateKeep')}</option>
                <option value="ACCEPT">{t('lateAccept')}</option>
                <option value="REFUND">{t('lateRefund')}</option>
              </select>
            </div>
          )}
          {unknown.map(({ id }) => (
            <div key={id} className="field">
              <label htmlFor={`${noteId}${id}`}>{t('fact', { id })}</label>
              <select
                id={`${noteId}${id}`}
                name={id}
                className="input"
                defaultValue={sent?.payments?.find(({ paymentId }) => paymentId === id)?.status ?? ''}
              >
                <option value="">{t('factNone')}</option>
                {factStatuses.map(([status, key]) => (
                  <option key={status} value={status}>
                    {t(key)}
                  </option>
                ))}
              </select>
            </div>
          ))}
          <div className="field">
            <label htmlFor={noteId}>{t('note')}</label>
            <textarea
              id={noteId}
              name="note"
              rows={3}
              maxLength={500}
              className="input"
              defaultValue={sent?.note ?? ''}
            />
          </div>
        </>
      )}
      read={read}
      confirm={t('resolve')}
      run={({ input }) => mutate(resolveReview, { input: { ...input, orderId: order.id } })}
      onDone={onDone}
    >
      {t('resolveText')}
    </ActionDialog>
  );
}
