import type { PaystreamClient } from '@paystream/client';
import { type CSSProperties, useEffect, useState } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { brandOf } from './brand.ts';
import { useSecondsUntil, useServerOffset } from './clock.ts';
import { useCheckout } from './feed.ts';
import { type CheckoutLink, isReturn, takeBack } from './link.ts';
import { BrokenPage, Footer, RefusedPage } from './messages.tsx';
import type { Checkout } from './order.ts';
import { PaymentPanel } from './payment-panel.tsx';
import { screenOf } from './screen.ts';
import { Summary } from './summary.tsx';
import { texts } from './texts.ts';
import { useThemeNow } from './theme-now.ts';

type Props = { readonly client: PaystreamClient; readonly link: CheckoutLink };

export function CheckoutPage({ client, link }: Props) {
  const { feed, isConnected, reload } = useCheckout(client, link);
  switch (feed.kind) {
    case 'loading':
      return <Loading />;
    case 'refused':
      return <RefusedPage />;
    case 'broken':
      return <BrokenPage onRetry={() => void reload()} />;
    case 'ready':
      return <Ready {...{ client, link, isConnected, reload }} checkout={feed.checkout} />;
  }
}

function Ready({
  client,
  link,
  checkout,
  isConnected,
  reload,
}: Props & { readonly checkout: Checkout; readonly isConnected: boolean; reload(): Promise<unknown> }) {
  const { order } = checkout;
  const t = useTexts(texts);
  const offsetMs = useServerOffset();
  const secondsLeft = useSecondsUntil(order.expiresAt, offsetMs);
  const [isChoosing, setChoosing] = useState(false);
  const screen = screenOf(order, isChoosing, secondsLeft === 0);
  const isOver = screen.kind === 'done' || screen.kind === 'over';
  const style = useBrandStyle(order.merchant.brandColor);
  const title = screen.kind === 'done' ? t(screen.outcome) : t('title', { merchant: order.merchant.name });

  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (!isOver) return;
    try {
      takeBack(localStorage, order.id);
    } catch {
      // Nothing was left there either.
    }
  }, [isOver, order.id]);
  useEffect(() => {
    // The address of a reload is that of the first visit again.
    if (isReturn(location)) history.replaceState(history.state, '', location.pathname);
  }, []);

  return (
    <div className="checkout" style={style}>
      <main className="columns">
        <Summary order={order} secondsLeft={isOver ? null : secondsLeft} />
        <section className="panel" aria-label={t('payment')}>
          <div className="panel-inner">
            <p className="connection" role="status">
              {isConnected ? null : <span className="connection-note">{t('offline')}</span>}
            </p>
            <PaymentPanel
              {...{ client, link, checkout, screen, offsetMs, reload, setChoosing }}
              accent={style['--brand-accent']}
            />
          </div>
        </section>
      </main>
      <Footer />
    </div>
  );
}

/** The colours of the page in the theme that is shown now. See theme.css for the grounds. */
const grounds = { light: '#ffffff', dark: '#16191f' } as const;
const fallbacks = { light: '#3d4bd8', dark: '#98a4ff' } as const;

type BrandStyle = CSSProperties & { readonly '--brand-accent': string };

function useBrandStyle(color: string | null): BrandStyle {
  const theme = useThemeNow();
  const { fill, onFill, edge, accent } = brandOf(color, fallbacks[theme], grounds[theme]);
  const style = { '--brand': fill, '--on-brand': onFill, '--brand-edge': edge, '--brand-accent': accent };
  return style as BrandStyle;
}

function Loading() {
  const t = useTexts(texts);
  return (
    <div className="checkout">
      <main className="columns" aria-busy="true">
        <h1 className="visually-hidden">{t('loading')}</h1>
        <section className="summary" aria-hidden="true">
          <div className="summary-inner">
            <span className="bone bone-name" />
            <span className="bone bone-amount" />
            <span className="bone" />
            <span className="bone" />
          </div>
        </section>
        <section className="panel" aria-hidden="true">
          <div className="panel-inner">
            <span className="bone bone-title" />
            <span className="bone bone-button" />
            <span className="bone bone-button" />
            <span className="bone bone-button" />
          </div>
        </section>
      </main>
      <Footer />
    </div>
  );
}
