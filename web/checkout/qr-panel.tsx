import { useEffect, useMemo, useRef, useState } from 'react';
import { encode } from 'uqr';
import { useTexts } from '../shared/preferences.tsx';
import type { ActProps } from './act-panel.tsx';
import { MethodIcon } from './icons.tsx';
import { FailureNote } from './notes.tsx';
import type { ActionOf } from './order.ts';
import { Spinner, useFocusedHeading } from './parts.tsx';
import { sandboxPageOf } from './sandbox-page.ts';
import { texts } from './texts.ts';

type Props = ActProps & { readonly action: ActionOf<'QrCodeAction'> };

/** A QR code that the buyer scans with the provider's app. The outcome arrives as an event of the order. */
export function QrPanel({ checkout, payment, paying, action, offsetMs }: Props) {
  const t = useTexts(texts);
  const heading = useFocusedHeading();
  const method = t(payment.method);
  const isRenewing = useRenewal(action.expiresAt, offsetMs, () => paying.renew(payment.method, payment.flow));
  const page = checkout.options.find((option) => option.method === payment.method)?.flows.includes('REDIRECT');
  const sandboxPage = sandboxPageOf(payment.method, action.content);
  return (
    <div className="stack centered">
      <h2 ref={heading} tabIndex={-1} className="with-icon">
        <MethodIcon method={payment.method} />
        {t('scan', { method })}
      </h2>
      {payment.failure !== null && <FailureNote reason={payment.failure.reason} title={t('tried')} />}
      <p className="muted">{t('scanHow', { method })}</p>
      <div className="qr" data-stale={isRenewing}>
        <QrCode content={action.content} label={t('scanImage', { method })} />
        {isRenewing && <Spinner />}
      </div>
      <p className="waiting" role="status">
        {isRenewing ? t('scanRenewing') : t('scanWaiting')}
      </p>
      {page && (
        <button
          type="button"
          className="button wide"
          aria-disabled={paying.starting !== null}
          onClick={() => void paying.start(payment.method, 'REDIRECT')}
        >
          {paying.starting !== null && <Spinner />}
          {t('scanElsewhere', { method })}
        </button>
      )}
      {sandboxPage !== null && (
        <a className="sandbox-link" href={sandboxPage} target="_blank" rel="noreferrer">
          {t('scanSandbox')}
        </a>
      )}
    </div>
  );
}

/** The pause before a renewal that has brought no new code is tried again. */
const renewAgainMs = 10_000;

/** Renews the next action when its time is over by the server's clock, and again until there is a new one. True while an attempt lasts. */
function useRenewal(expiresAt: string | null, offsetMs: number, renew: () => Promise<void>): boolean {
  const [isRenewing, setRenewing] = useState(false);
  const current = useRef(renew);
  current.current = renew;
  useEffect(() => {
    if (expiresAt === null) return;
    let timer: ReturnType<typeof setTimeout>;
    let isOver = false;
    const attempt = async () => {
      setRenewing(true);
      await current.current();
      if (isOver) return;
      setRenewing(false);
      plan(renewAgainMs);
    };
    const plan = (delayMs: number) => {
      timer = setTimeout(() => void attempt(), delayMs);
    };
    plan(Math.max(0, Date.parse(expiresAt) - Date.now() - offsetMs));
    return () => {
      isOver = true;
      clearTimeout(timer);
      setRenewing(false);
    };
  }, [expiresAt, offsetMs]);
  return isRenewing;
}

/** Dark on light in both themes: many scanners do not read the reverse. */
function QrCode({ content, label }: { readonly content: string; readonly label: string }) {
  const { size, path } = useMemo(() => drawn(content), [content]);
  return (
    <svg className="qr-code" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#14171c" />
    </svg>
  );
}

/** The empty margin around a code, in modules: scanners need four. */
const quietModules = 4;

function drawn(content: string): { readonly size: number; readonly path: string } {
  const { data, size } = encode(content, { ecc: 'M', border: quietModules });
  const path = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join('');
  return { size, path };
}
