import type { Appearance, CardAction, CardForm, CardFormEvents, CardResult } from './card-form.ts';

const sender = 'paystream-sandbox-card-form';
/** After this time without a word from the frame, the form counts as not available. */
const readyMsMax = 20_000;

/**
 * The card form of the sandbox, in a frame of its origin. Messages are sent to that origin only, and taken only from that frame and that
 * origin.
 */
export function mountFrame(
  place: HTMLElement,
  { clientSecret, publishableKey, formUrl }: CardAction & { readonly formUrl: string },
  appearance: Appearance,
  events: CardFormEvents,
): CardForm {
  const address = new URL(formUrl);
  address.searchParams.set('origin', location.origin);
  const frame = document.createElement('iframe');
  let current = appearance;
  let isReady = false;
  let lastCall = 0;
  const waiting = new Map<number, (result: CardResult) => void>();
  const send = (message: object) => frame.contentWindow?.postMessage(message, address.origin);
  const dress = () => {
    frame.title = current.language === 'zh' ? '银行卡信息' : 'Card details';
    frame.style.colorScheme = current.theme; // a frame whose scheme is not that of its document gets a background
    if (isReady) send({ type: 'appearance', ...current });
  };
  const hear = ({ source, origin, data }: MessageEvent) => {
    if (source !== frame.contentWindow || origin !== address.origin || !isMessage(data)) return;
    switch (data.type) {
      case 'ready':
        isReady = true;
        clearTimeout(timer);
        dress();
        events.onReady();
        return;
      case 'resize':
        if (typeof data.height === 'number') frame.height = String(Math.min(Math.max(data.height + 8, 80), 800));
        return;
      case 'submit':
        events.onSubmit();
        return;
      case 'result':
        if (typeof data.call !== 'number') return;
        waiting.get(data.call)?.(resultOf(data));
        waiting.delete(data.call);
    }
  };
  const fail = () => {
    if (!isReady) events.onFailure();
  };
  const blocked = ({ effectiveDirective }: SecurityPolicyViolationEvent) => {
    if (effectiveDirective === 'frame-src') fail();
  };
  const timer = setTimeout(fail, readyMsMax);
  addEventListener('message', hear);
  document.addEventListener('securitypolicyviolation', blocked);
  frame.src = address.href;
  frame.height = '220';
  frame.className = 'card-frame';
  dress();
  place.append(frame);
  return {
    confirm() {
      lastCall += 1;
      const call = lastCall;
      send({ type: 'confirm', call, clientSecret, publishableKey });
      return new Promise((resolve) => waiting.set(call, resolve));
    },
    update(next) {
      current = next;
      dress();
    },
    close() {
      clearTimeout(timer);
      removeEventListener('message', hear);
      document.removeEventListener('securitypolicyviolation', blocked);
      frame.remove();
    },
  };
}

type Message = { readonly from: string; readonly type?: unknown } & Readonly<Record<string, unknown>>;

function isMessage(data: unknown): data is Message {
  return typeof data === 'object' && data !== null && 'from' in data && data.from === sender;
}

function resultOf({ outcome, message }: Message): CardResult {
  if (outcome === 'succeeded' || outcome === 'processing') return { kind: 'accepted' };
  if (outcome === 'invalid') return { kind: 'invalid' };
  return { kind: 'refused', message: typeof message === 'string' ? message : null };
}
