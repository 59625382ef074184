import type {
  ApproveRefundMutation,
  ApproveRefundMutationVariables,
  RejectRefundMutation,
  RejectRefundMutationVariables,
} from '../../generated/web/operations.ts';
import type { Amount } from '../shared/format.ts';
import { operation } from '../shared/operation.ts';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { actionTexts } from './action-texts.ts';
import { TextField, textOf } from './form-fields.tsx';
import { useMutation } from './mutation.ts';
import { useSession } from './session.ts';

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

type RefundToDecide = {
  readonly id: string;
  readonly amount: Amount;
  readonly requestedBy: { readonly id: string | null } | null;
};

type DecideRefundProps = { readonly refund: RefundToDecide; readonly onDone: () => void };

/** Approves or rejects a refund that waits for another person. The person who requested it is told so instead. */
export function DecideRefund({ refund, onDone }: DecideRefundProps) {
  const t = useTexts(actionTexts);
  const format = useFormat();
  const mutate = useMutation();
  const { viewer } = useSession();
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
        run={() => mutate(approveRefund, { refundId: refund.id })}
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
        run={({ input }) => {
          const variables = { input: { refundId: refund.id, reason: input.reason || null } };
          return mutate(rejectRefund, variables);
        }}
        onDone={onDone}
      >
        {t('rejectText')}
      </ActionDialog>
    </div>
  );
}
