import type { ReactNode } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import type { PaymentShown } from './order-query.ts';
import { orderTexts } from './order-texts.ts';
import { Time, useNames } from './ui.tsx';

/** An entry of a list of facts. */
export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Where the state of a payment or a refund is known from, and since when. */
export function EvidenceFact({ evidence }: { readonly evidence: PaymentShown['evidence'] }) {
  const t = useTexts(orderTexts);
  const name = useNames();
  if (evidence === null) return null;
  return (
    <Fact name={t('evidence')}>
      {name('evidence', evidence.source)} · <Time value={evidence.receivedAt} />
    </Fact>
  );
}

/** Why a payment or a refund failed. */
export function FailureText({ failure }: { readonly failure: PaymentShown['failure'] }) {
  const name = useNames();
  if (failure === null) return null;
  return (
    <p className="failure">
      {name('failure', failure.reason)} · <FailureMessage failure={failure} />
    </p>
  );
}

/** What the provider says about a failure, in its own words. */
export function FailureMessage({ failure }: { readonly failure: NonNullable<PaymentShown['failure']> }) {
  return (
    <>
      {failure.message}
      {failure.providerCode !== null && <code> {failure.providerCode}</code>}
    </>
  );
}

export function ActorName({
  actor: { kind, id },
}: {
  readonly actor: { readonly kind: string; readonly id: string | null };
}) {
  const name = useNames();
  if (kind === 'PROVIDER' && id !== null) return <span className="actor">{name('provider', id)}</span>;
  return (
    <span className="actor">
      {name('actor', kind)}
      {id !== null && kind !== 'BUYER' && <span className="actor-id"> {id}</span>}
    </span>
  );
}
