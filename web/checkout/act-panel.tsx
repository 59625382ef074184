import type { PaystreamClient } from '@paystream/client';
import { useTexts } from '../shared/preferences.tsx';
import { BridgePanel } from './bridge-panel.tsx';
import { CardPanel } from './card-panel.tsx';
import { FailureNote } from './notes.tsx';
import type { Checkout, CheckoutAction, CheckoutPayment } from './order.ts';
import { Spinner, useFocusedHeading } from './parts.tsx';
import type { Paying } from './paying.ts';
import { QrPanel } from './qr-panel.tsx';
import { texts } from './texts.ts';

export type ActProps = {
  readonly client: PaystreamClient;
  readonly checkout: Checkout;
  readonly payment: CheckoutPayment;
  readonly paying: Paying;
  /** The provider is being asked because the buyer has just come back from it. */
  readonly isChecking: boolean;
  readonly accent: string;
  /** How far the server's clock is ahead of this device's. */
  readonly offsetMs: number;
  onOther(): void;
  reload(): Promise<unknown>;
};

/** The next action of a payment: the one thing that the buyer has to do now, and the way back to the other methods. */
export function ActPanel(props: ActProps) {
  const { payment, onOther } = props;
  const t = useTexts(texts);
  if (payment.nextAction === null) return null;
  return (
    <>
      <Action {...props} action={payment.nextAction} />
      <button type="button" className="link-button back-to-methods" onClick={onOther}>
        {t('other')}
      </button>
    </>
  );
}

function Action({ action, ...props }: ActProps & { readonly action: CheckoutAction }) {
  switch (action.__typename) {
    case 'QrCodeAction':
      return <QrPanel {...props} action={action} />;
    case 'RedirectAction':
      return <RedirectPanel {...props} url={action.url} />;
    case 'ConfirmCardAction':
      return <CardPanel {...props} action={action} />;
    case 'WeChatPayBridgeAction':
      return <BridgePanel {...props} action={action} />;
  }
}

/** The buyer has a page at the provider, and is here: on the way there, or back without having paid. */
function RedirectPanel({ payment, paying, isChecking, url }: ActProps & { readonly url: string }) {
  const t = useTexts(texts);
  const heading = useFocusedHeading();
  const method = payment.method === 'CARD' ? t('providerPage') : t(payment.method);
  if (paying.isLeaving || isChecking) {
    return (
      <div className="state" role="status">
        <Spinner />
        <h2 ref={heading} tabIndex={-1}>
          {t(isChecking ? 'processing' : 'redirecting', { method })}
        </h2>
      </div>
    );
  }
  return (
    <div className="stack">
      <h2 ref={heading} tabIndex={-1}>
        {t('unfinished')}
      </h2>
      {payment.failure !== null && <FailureNote reason={payment.failure.reason} title={t('tried')} />}
      <p className="muted">{t('unfinishedMore', { method })}</p>
      <button type="button" className="button brand wide" onClick={() => location.assign(url)}>
        {t('continueAt', { method })}
      </button>
    </div>
  );
}
