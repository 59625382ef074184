import type { PaystreamClient } from '@paystream/client';
import { useEffect, useRef, useState } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { ActPanel } from './act-panel.tsx';
import { MethodIcon } from './icons.tsx';
import { type CheckoutLink, isReturn } from './link.ts';
import { deviceOf, flowOf } from './methods.ts';
import { FailureNote, ProblemNote } from './notes.tsx';
import { type Checkout, type CheckoutPayment, refreshPayment } from './order.ts';
import { DonePanel, OverPanel } from './outcome.tsx';
import { Spinner, useFocusedHeading } from './parts.tsx';
import { type Paying, usePaying } from './paying.ts';
import type { Screen } from './screen.ts';
import { texts } from './texts.ts';

export type PanelProps = {
  readonly client: PaystreamClient;
  readonly link: CheckoutLink;
  readonly checkout: Checkout;
  readonly screen: Screen;
  readonly accent: string;
  /** How far the server's clock is ahead of this device's. */
  readonly offsetMs: number;
  reload(): Promise<unknown>;
  setChoosing(isChoosing: boolean): void;
};

/** The side of the page on which the buyer acts. */
export function PaymentPanel({ client, link, checkout, screen, accent, offsetMs, reload, setChoosing }: PanelProps) {
  const { order } = checkout;
  const paying = usePaying(client, link, order, reload);
  const isChecking = useReturnCheck(client, checkout, reload);
  const start: Paying['start'] = async (method, flow) => {
    await paying.start(method, flow);
    setChoosing(false);
  };
  switch (screen.kind) {
    case 'choose':
      return <Choose checkout={checkout} failed={screen.failed} paying={{ ...paying, start }} />;
    case 'starting':
      return <Starting payment={screen.payment} />;
    case 'act':
      return (
        <ActPanel
          key={screen.payment.id}
          {...{ client, checkout, accent, offsetMs, isChecking, reload }}
          payment={screen.payment}
          paying={{ ...paying, start }}
          onOther={() => setChoosing(true)}
        />
      );
    case 'waiting':
      return <Waiting client={client} payment={screen.payment} reload={reload} />;
    case 'done':
      return <DonePanel order={order} link={link} outcome={screen.outcome} payment={screen.payment} />;
    case 'over':
      return <OverPanel order={order} link={link} reason={screen.reason} />;
  }
}

/** Asks the provider once when the buyer comes back from it, or to this tab: its callback can be late, or lost. */
function useReturnCheck(client: PaystreamClient, { order }: Checkout, reload: () => Promise<unknown>): boolean {
  const [isBack] = useState(() => isReturn(location));
  const open = order.payments.findLast(({ status }) => status === 'ACTION_REQUIRED' || status === 'UNKNOWN');
  const openId = useRef(open?.id);
  openId.current = open?.id;
  const [isChecking, setChecking] = useState(isBack && open !== undefined);
  useEffect(() => {
    const check = async () => {
      if (openId.current !== undefined) await refreshPayment(client, openId.current);
      await reload();
      setChecking(false);
    };
    const look = () => {
      if (document.visibilityState === 'visible') void check();
    };
    if (isBack) void check();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [client, isBack, reload]);
  return isChecking;
}

function Choose({
  checkout: { options },
  failed,
  paying,
}: {
  readonly checkout: Checkout;
  readonly failed: CheckoutPayment | null;
  readonly paying: Paying;
}) {
  const t = useTexts(texts);
  const heading = useFocusedHeading();
  const device = deviceOf(window);
  const offered = options.flatMap((option) => {
    const flow = flowOf(option, device);
    return flow === null ? [] : [{ method: option.method, flow }];
  });
  const { starting, problem } = paying;
  return (
    <>
      <h2 ref={heading} tabIndex={-1}>
        {t('choose')}
      </h2>
      <div role="alert">
        {problem !== null ? (
          <ProblemNote problem={problem} />
        ) : (
          failed !== null && <FailureNote reason={failed.failure?.reason ?? null} title={t('tried')} />
        )}
      </div>
      {offered.length === 0 && <p className="muted">{t('noMethods')}</p>}
      <ul className="methods">
        {offered.map(({ method, flow }) => (
          <li key={method}>
            <button
              type="button"
              className="method"
              aria-disabled={starting !== null}
              onClick={() => void paying.start(method, flow)}
            >
              <MethodIcon method={method} />
              <span className="method-text">
                <span className="method-name">{t(method)}</span>
                <span className="muted">{t(`hintOf${method}`)}</span>
              </span>
              {starting === method ? <Spinner /> : <span className="chevron" aria-hidden="true" />}
            </button>
          </li>
        ))}
      </ul>
      <p className="visually-hidden" role="status">
        {starting === null ? '' : t(paying.isLeaving ? 'redirecting' : 'starting', { method: t(starting) })}
      </p>
    </>
  );
}

function Starting({ payment }: { readonly payment: CheckoutPayment }) {
  const t = useTexts(texts);
  const heading = useFocusedHeading();
  return (
    <div className="state" role="status">
      <Spinner />
      <h2 ref={heading} tabIndex={-1}>
        {t('starting', { method: t(payment.method) })}
      </h2>
    </div>
  );
}

/** The first time to ask the provider while its word is missing, and the pause from then on. */
const firstAskMs = 4000;
const nextAskMs = 15_000;

function Waiting({
  client,
  payment,
  reload,
}: Pick<PanelProps, 'client' | 'reload'> & { readonly payment: CheckoutPayment }) {
  const t = useTexts(texts);
  const heading = useFocusedHeading();
  const [isAsking, setAsking] = useState(false);
  const isUnknown = payment.status === 'UNKNOWN';
  const ask = useRef(async () => {});
  ask.current = async () => {
    setAsking(true);
    await refreshPayment(client, payment.id);
    await reload();
    setAsking(false);
  };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const plan = (delayMs: number) => {
      timer = setTimeout(() => void ask.current().finally(() => plan(nextAskMs)), delayMs);
    };
    plan(firstAskMs);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="state" role="status">
      <Spinner />
      <h2 ref={heading} tabIndex={-1}>
        {t(isUnknown ? 'unknown' : 'processing')}
      </h2>
      <p className="muted">{isUnknown ? t('unknownMore', { method: t(payment.method) }) : t('processingMore')}</p>
      <button type="button" className="button wide" aria-disabled={isAsking} onClick={() => void ask.current()}>
        {t('checkNow')}
      </button>
    </div>
  );
}
