import type {
  CapturePaymentMutation,
  CapturePaymentMutationVariables,
  RequestRefundMutation,
  RequestRefundMutationVariables,
} from '../../generated/web/operations.ts';
import { digitsOf } from '../shared/currency-digits.ts';
import { type Amount, decimalOf, parseAmount } from '../shared/format.ts';
import { operation } from '../shared/operation.ts';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { actionTexts } from './action-texts.ts';
import { Field, TextField, textOf } from './form-fields.tsx';
import { useMutation } from './mutation.ts';

const capturePayment = operation<CapturePaymentMutation, CapturePaymentMutationVariables>(/* GraphQL */ `
  mutation CapturePayment($input: CapturePaymentInput!) {
    outcome: capturePayment(input: $input) {
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
const requestRefund = operation<RequestRefundMutation, RequestRefundMutationVariables>(/* GraphQL */ `
  mutation RequestRefund($input: RequestRefundInput!) {
    outcome: requestRefund(input: $input) {
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

type Done = { readonly onDone: () => void };

type AmountInput = { readonly amountMinor: number; readonly reason: string };

export function CapturePayment({ payment, onDone }: { readonly payment: { id: string; amount: Amount } } & Done) {
  const t = useTexts(actionTexts);
  const format = useFormat();
  const mutate = useMutation();
  const { amount } = payment;
  return (
    <ActionDialog<AmountInput>
      name={`capture.${payment.id}`}
      label={t('capture')}
      kind="primary"
      title={t('captureTitle')}
      fields={(sent) => <AmountField limit={amount} sentMinor={sent?.amountMinor} />}
      read={(form) => {
        const amountMinor = parseAmount(textOf(form, 'amount'), amount.currency);
        if (amountMinor === null || amountMinor < 1 || amountMinor > amount.amountMinor) {
          return { problems: [{ field: 'amount', text: t('amountProblem', { limit: format.money(amount) }) }] };
        }
        return { input: { amountMinor, reason: '' } };
      }}
      confirm={t('capture')}
      run={({ key, input }) => {
        const { amountMinor } = input;
        const variables = { input: { idempotencyKey: key, paymentId: payment.id, amountMinor } };
        return mutate(capturePayment, variables);
      }}
      onDone={onDone}
    >
      {t('captureText', { amount: format.money(amount) })}
    </ActionDialog>
  );
}

export function RefundPayment({ payment, onDone }: { readonly payment: { id: string; refundable: Amount } } & Done) {
  const t = useTexts(actionTexts);
  const format = useFormat();
  const mutate = useMutation();
  const { refundable } = payment;
  return (
    <ActionDialog<AmountInput>
      name={`refund.${payment.id}`}
      label={t('refund')}
      title={t('refundTitle')}
      fields={(sent) => (
        <>
          <AmountField limit={refundable} sentMinor={sent?.amountMinor} />
          <TextField name="reason" label={t('reason')} value={sent?.reason} lengthMax={80} />
        </>
      )}
      read={(form) => {
        const amountMinor = parseAmount(textOf(form, 'amount'), refundable.currency);
        if (amountMinor === null || amountMinor < 1 || amountMinor > refundable.amountMinor) {
          return { problems: [{ field: 'amount', text: t('amountProblem', { limit: format.money(refundable) }) }] };
        }
        return { input: { amountMinor, reason: textOf(form, 'reason') } };
      }}
      confirm={t('refund')}
      run={({ key, input }) => {
        const { amountMinor, reason } = input;
        const variables = {
          input: { idempotencyKey: key, paymentId: payment.id, amountMinor, reason: reason || null },
        };
        return mutate(requestRefund, variables);
      }}
      onDone={onDone}
    >
      {t('refundText', { limit: format.money(refundable) })}
    </ActionDialog>
  );
}

type AmountFieldProps = { readonly limit: Amount; readonly sentMinor?: number | undefined };

function AmountField({ limit, sentMinor = limit.amountMinor }: AmountFieldProps) {
  const t = useTexts(actionTexts);
  return (
    <Field name="amount" label={t('amount', { currency: limit.currency })}>
      {(control) => (
        <input
          {...control}
          className="input number"
          inputMode="decimal"
          autoComplete="off"
          defaultValue={decimalOf(sentMinor, digitsOf(limit.currency))}
        />
      )}
    </Field>
  );
}
