import { useState } from 'react';
import type { RefreshPaymentMutation, RefreshPaymentMutationVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { actionTexts } from './action-texts.ts';
import { useMutation } from './mutation.ts';
import { Icon } from './ui.tsx';

const refreshPayment = operation<RefreshPaymentMutation, RefreshPaymentMutationVariables>(/* GraphQL */ `
  mutation RefreshPayment($paymentId: ID!) {
    outcome: refreshPayment(paymentId: $paymentId) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`);

/** Asks the provider for the state of a payment. It moves no money, so it is not confirmed. */
export function AskProvider({ paymentId, onDone }: { readonly paymentId: string; readonly onDone: () => void }) {
  const t = useTexts(actionTexts);
  const mutate = useMutation();
  const [state, setState] = useState<'idle' | 'busy' | 'failed'>('idle');
  const ask = async () => {
    setState('busy');
    const { kind } = await mutate(refreshPayment, { paymentId });
    if (kind === 'signedOut') return;
    setState(kind === 'done' ? 'idle' : 'failed');
    if (kind !== 'unknown') onDone();
  };
  return (
    <>
      <button type="button" className="button" disabled={state === 'busy'} onClick={() => void ask()}>
        <Icon name="refresh" />
        {state === 'busy' ? t('asking') : t('ask')}
      </button>
      <span role="status" className="form-problem">
        {state === 'failed' ? t('askFailed') : ''}
      </span>
    </>
  );
}
