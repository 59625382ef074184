import { useState } from 'react';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import type { ActProps } from './act-panel.tsx';
import { FailureNote } from './notes.tsx';
import { type ActionOf, refreshPayment } from './order.ts';
import { Spinner, useFocusedHeading } from './parts.tsx';
import { texts } from './texts.ts';

type Bridge = { invoke(name: string, parameters: object, callback: (result: object) => void): void };

/** A payment that the merchant's server has started for a buyer within WeChat, whose openid only the merchant knows. */
export function BridgePanel({
  client,
  checkout,
  payment,
  action,
  reload,
}: ActProps & { readonly action: ActionOf<'WeChatPayBridgeAction'> }) {
  const t = useTexts(texts);
  const { money } = useFormat();
  const heading = useFocusedHeading();
  const [isOpen, setOpen] = useState(false);
  const { WeixinJSBridge: bridge } = window as { WeixinJSBridge?: Bridge };
  const pay = () => {
    if (isOpen || bridge === undefined) return;
    setOpen(true);
    const { appId, timeStamp, nonceStr, package: prepaid, signType, paySign } = action;
    // What WeChat tells the page proves nothing: the provider is asked.
    bridge.invoke(
      'getBrandWCPayRequest',
      { appId, timeStamp, nonceStr, package: prepaid, signType, paySign },
      async () => {
        await refreshPayment(client, payment.id);
        await reload();
        setOpen(false);
      },
    );
  };
  return (
    <div className="stack">
      <h2 ref={heading} tabIndex={-1}>
        {t('WECHAT_PAY')}
      </h2>
      {payment.failure !== null && <FailureNote reason={payment.failure.reason} title={t('tried')} />}
      {bridge === undefined ? (
        <p className="muted">{t('bridgeElsewhere')}</p>
      ) : (
        <button type="button" className="button brand wide" aria-disabled={isOpen} onClick={pay}>
          {isOpen && <Spinner />}
          {t('bridgeOpen')} · {money(checkout.order.total)}
        </button>
      )}
    </div>
  );
}
