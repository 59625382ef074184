import type {
  PaymentFactStatus,
  ResolveReviewMutation,
  ResolveReviewMutationVariables,
} from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { actionTexts } from './action-texts.ts';
import { Field, type FieldProblem, textOf } from './form-fields.tsx';
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
  const mutate = useMutation();
  const unknown = order.payments.filter(({ status }) => status === 'UNKNOWN');
  const isLate = order.needsReview.includes('LATE_PAYMENT');
  const read = (form: FormData): { readonly input: Resolution } | { readonly problems: readonly FieldProblem[] } => {
    const reasons = order.needsReview.filter((reason) => form.getAll('reason').includes(reason));
    const note = textOf(form, 'note');
    if (reasons.length === 0 || note === '') return { problems: [{ field: null, text: t('noteProblem') }] };
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
            <Field name="late" label={t('late')}>
              {(control) => (
                <select {...control} className="input" defaultValue={sent?.latePayment ?? ''}>
                  <option value="">{t('lateKeep')}</option>
                  <option value="ACCEPT">{t('lateAccept')}</option>
                  <option value="REFUND">{t('lateRefund')}</option>
                </select>
              )}
            </Field>
          )}
          {unknown.map(({ id }) => (
            <Field key={id} name={id} label={t('fact', { id })}>
              {(control) => (
                <select
                  {...control}
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
              )}
            </Field>
          ))}
          <Field name="note" label={t('note')}>
            {(control) => (
              <textarea {...control} rows={3} maxLength={500} className="input" defaultValue={sent?.note ?? ''} />
            )}
          </Field>
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
