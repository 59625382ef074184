import { useId } from 'react';
import type {
  ApproveRefundMutation,
  ApproveRefundMutationVariables,
  CancelOrderMutation,
  CancelOrderMutationVariables,
  CancelPaymentMutation,
  CancelPaymentMutationVariables,
  CapturePaymentMutation,
  CapturePaymentMutationVariables,
  RejectRefundMutation,
  RejectRefundMutationVariables,
  RequestRefundMutation,
  RequestRefundMutationVariables,
} from '../../generated/web/operations.ts';
import { type Amount, decimalOf, digitsOf, parseAmount } from '../shared/format.ts';
import { operation } from '../shared/operation.ts';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { actionTexts } from './action-texts.ts';
import { useSession } from './session.ts';

const cancelOrder = operation<CancelOrderMutation, CancelOrderMutationVariables>(/* GraphQL */ `
  mutation CancelOrder($input: CancelOrderInput!) {
    outcome: cancelOrder(input: $input) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`);
const cancelPayment = operation<CancelPaymentMutation, CancelPaymentMutationVariables>(/* GraphQL */ `
  mutation CancelPayment($input: CancelPaymentInput!) {
    outcome: cancelPayment(input: $input) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`);
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
const approveRefund = operation<ApproveRefundMutation, ApproveRefundMutationVariables>(/* GraphQL */ `
  mutation ApproveRefund($refundId: ID!) {
    outcome: approveRefund(refundId: $refundId) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`);
const rejectRefund = operation<RejectRefundMutation, RejectRefundMutationVariables>(/* GraphQL */ `
  mutation RejectRefund($input: RejectRefundInput!) {
    outcome: rejectRefund(input: $input) {
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

export function CancelOrder({ order, onDone }: { readonly order: { id: string; number: string } } & Done) {
  const t = useTexts(actionTexts);
  const { client } = useSession();
  return (
    <ActionDialog<{ readonly reason: string }>
      name={`cancelOrder.${order.id}`}
      label={t('cancelOrder')}
      kind="danger"
      title={t('cancelOrderTitle', { number: order.number })}
      fields={(sent) => <TextField name="reason" label={t('reason')} value={sent?.reason} lengthMax={255} />}
      read={(form) => ({ input: { reason: textOf(form, 'reason') } })}
      confirm={t('cancelOrder')}
      run={async ({ input }) => {
        const variables = { input: { orderId: order.id, reason: input.reason || null } };
        return (await client.request(cancelOrder, variables)).outcome;
      }}
      onDone={onDone}
    >
      {t('cancelOrderText')}
    </ActionDialog>
  );
}

export function CancelPayment({ payment, onDone }: { readonly payment: { id: string } } & Done) {
  const t = useTexts(actionTexts);
  const { client } = useSession();
  return (
    <ActionDialog<null>
      name={`cancelPayment.${payment.id}`}
      label={t('cancelPayment')}
      kind="danger"
      title={t('cancelPaymentTitle')}
      read={() => ({ input: null })}
      confirm={t('cancelPayment')}
      run={async () => (await client.request(cancelPayment, { input: { paymentId: payment.id } })).outcome}
      onDone={onDone}
    >
      {t('cancelPaymentText')}
    </ActionDialog>
  );
}

type AmountInput = { readonly amountMinor: number; readonly reason: string };

export function CapturePayment({ payment, onDone }: { readonly payment: { id: string; amount: Amount } } & Done) {
  const t = useTexts(actionTexts);
  const format = useFormat();
  const { client } = useSession();
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
          return { problem: t('amountProblem', { limit: format.money(amount) }) };
        }
        return { input: { amountMinor, reason: '' } };
      }}
      confirm={t('capture')}
      run={async ({ key, input }) => {
        const { amountMinor } = input;
        const variables = { input: { idempotencyKey: key, paymentId: payment.id, amountMinor } };
        return (await client.request(capturePayment, variables)).outcome;
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
  const { client } = useSession();
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
          return { problem: t('amountProblem', { limit: format.money(refundable) }) };
        }
        return { input: { amountMinor, reason: textOf(form, 'reason') } };
      }}
      confirm={t('refund')}
      run={async ({ key, input }) => {
        const { amountMinor, reason } = input;
        const variables = {
          input: { idempotencyKey: key, paymentId: payment.id, amountMinor, reason: reason || null },
        };
        return (await client.request(requestRefund, variables)).outcome;
      }}
      onDone={onDone}
    >
      {t('refundText', { limit: format.money(refundable) })}
    </ActionDialog>
  );
}

type RefundToDecide = {
  readonly id: string;
  readonly amount: Amount;
  readonly requestedBy: { readonly id: string | null } | null;
};

/** Approves or rejects a refund that waits for another person. The person who requested it is told so instead. */
export function DecideRefund({ refund, onDone }: { readonly refund: RefundToDecide } & Done) {
  const t = useTexts(actionTexts);
  const format = useFormat();
  const { client, viewer } = useSession();
  if (viewer.role === 'VIEWER') return <p className="muted">{t('decisionNeeded')}</p>;
  if (refund.requestedBy !== null && refund.requestedBy.id === viewer.id) {
    return <p className="muted">{t('otherPerson')}</p>;
  }
  const amount = format.money(refund.amount);
  return (
    <div className="actions">
      <ActionDialog<null>
        name={`approve.${refund.id}`}
        label={t('approve')}
        kind="primary"
        title={t('approveTitle', { amount })}
        read={() => ({ input: null })}
        confirm={t('approve')}
        run={async () => (await client.request(approveRefund, { refundId: refund.id })).outcome}
        onDone={onDone}
      >
        {t('approveText', { amount })}
      </ActionDialog>
      <ActionDialog<{ readonly reason: string }>
        name={`reject.${refund.id}`}
        label={t('reject')}
        kind="danger"
        title={t('rejectTitle', { amount })}
        fields={(sent) => <TextField name="reason" label={t('reason')} value={sent?.reason} lengthMax={255} />}
        read={(form) => ({ input: { reason: textOf(form, 'reason') } })}
        confirm={t('reject')}
        run={async ({ input }) => {
          const variables = { input: { refundId: refund.id, reason: input.reason || null } };
          return (await client.request(rejectRefund, variables)).outcome;
        }}
        onDone={onDone}
      >
        {t('rejectText')}
      </ActionDialog>
    </div>
  );
}

export function textOf(form: FormData, name: string): string {
  return String(form.get(name) ?? '').trim();
}

type TextFieldProps = {
  readonly name: string;
  readonly label: string;
  readonly value?: string | undefined;
  readonly lengthMax: number;
};

export function TextField({ name, label, value = '', lengthMax }: TextFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} name={name} className="input" defaultValue={value} maxLength={lengthMax} autoComplete="off" />
    </div>
  );
}

type AmountFieldProps = { readonly limit: Amount; readonly sentMinor?: number | undefined };

function AmountField({ limit, sentMinor = limit.amountMinor }: AmountFieldProps) {
  const t = useTexts(actionTexts);
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{t('amount', { currency: limit.currency })}</label>
      <input
        id={id}
        name="amount"
        className="input number"
        inputMode="decimal"
        autoComplete="off"
        defaultValue={decimalOf(sentMinor, digitsOf(limit.currency))}
      />
    </div>
  );
}
