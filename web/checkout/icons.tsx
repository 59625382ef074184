import type { PaymentMethod } from './order.ts';

/** The sign of a method. The name stands beside it. */
export function MethodIcon({ method }: { readonly method: PaymentMethod }) {
  return (
    <span className="method-icon" data-method={method} aria-hidden="true">
      {icons[method]}
    </span>
  );
}

const icons: Readonly<Record<PaymentMethod, React.ReactNode>> = {
  CARD: (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.75">
      <title>Card</title>
      <rect x="3" y="5.5" width="18" height="13" rx="2.5" />
      <path d="M3 10h18M6.5 14.5h3.5" />
    </svg>
  ),
  ALIPAY: <span className="glyph">支</span>,
  WECHAT_PAY: (
    <svg viewBox="0 0 24 24" fill="currentColor">
      <title>WeChat Pay</title>
      <path d="M9.6 4.5C5.4 4.5 2 7.2 2 10.6c0 1.9 1.1 3.6 2.8 4.7l-.7 2.2 2.6-1.3c.9.3 1.9.4 2.9.4h.5a5 5 0 0 1-.2-1.4c0-3.2 3.1-5.7 6.9-5.7h.5C16.700 6.600 13.500 4.500 9.600 4.500z" />
      <path
        d="M22 15.200c0-2.800-2.700-5-5.900-5s-5.900 2.200-5.900 5 2.700 5 5.900 5c.8 0 1.600-.1 2.300-.4l2.100 1.100-.6-1.800c1.300-.9 2.100-2.300 2.100-3.900z"
        opacity=".75"
      />
    </svg>
  ),
};

export function Tick() {
  return (
    <svg className="tick" viewBox="0 0 64 64" aria-hidden="true">
      <title>Tick</title>
      <circle cx="32" cy="32" r="30" />
      <path d="M19 33.500l9 9 17-19" fill="none" />
    </svg>
  );
}

export function Mark({ kind }: { readonly kind: 'clock' | 'cross' | 'info' | 'link' }) {
  return (
    <svg
      className={`mark mark-${kind}`}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <title>{kind}</title>
      {marks[kind]}
    </svg>
  );
}

const marks = {
  clock: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M12 7v5.200l3.200 2" />
    </>
  ),
  cross: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M9 9l6 6M15 9l-6 6" />
    </>
  ),
  info: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M12 11v5M12 7.800v.1" />
    </>
  ),
  link: (
    <path d="M10 14a4 4 0 0 0 6 .4l2.600-2.600a4 4 0 0 0-5.700-5.700L11.700 7.300M14 10a4 4 0 0 0-6-.4l-2.600 2.600a4 4 0 0 0 5.700 5.700l1.200-1.200" />
  ),
} as const;
