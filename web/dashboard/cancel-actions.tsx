import type {
  CancelOrderMutation,
  CancelOrderMutationVariables,
  CancelPaymentMutation,
  CancelPaymentMutationVariables,
} from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { actionTexts } from './action-texts.ts';
import { TextField, textOf } from './form-fields.tsx';
import { useMutation } from './mutation.ts';

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

type Done = { readonly onDone: () => void };

export function CancelOrder({ order, onDone }: { readonly order: { id: string; number: string } } & Done) {
  const t = useTexts(actionTexts);
  const mutate = useMutation();
  return (
    <ActionDialog<{ readonly reason: string }>
      name={`cancelOrder.${order.id}`}
      label={t('cancelOrder')}
      kind="danger"
      title={t('cancelOrderTitle', { number: order.number })}
      fields={(sent) => <TextField name="reason" label={t('reason')} value={sent?.reason} lengthMax={255} />}
      read={(form) => ({ input: { reason: textOf(form, 'reason') } })}
      confirm={t('cancelOrder')}
      run={({ input }) => {
        const variables = { input: { orderId: order.id, reason: input.reason || null } };
        return mutate(cancelOrder, variables);
      }}
      onDone={onDone}
    >
      {t('cancelOrderText')}
    </ActionDialog>
  );
}

export function CancelPayment({ payment, onDone }: { readonly payment: { id: string } } & Done) {
  const t = useTexts(actionTexts);
  const mutate = useMutation();
  return (
    <ActionDialog<null>
      name={`cancelPayment.${payment.id}`}
      label={t('cancelPayment')}
      kind="danger"
      title={t('cancelPaymentTitle')}
      read={() => ({ input: null })}
      confirm={t('cancelPayment')}
      run={() => mutate(cancelPayment, { input: { paymentId: payment.id } })}
      onDone={onDone}
    >
      {t('cancelPaymentText')}
    </ActionDialog>
  );
}
