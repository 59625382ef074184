import type { CheckoutOption, PaymentFlow, PaymentMethod } from './order.ts';

/** The device that the buyer holds. */
export type Device = {
  /** A phone cannot scan its own screen, and has the provider's app. */
  readonly isPhone: boolean;
  /** The browser within WeChat refuses WeChat Pay's page for phones. */
  readonly isWeChat: boolean;
};

export function deviceOf(window: Window): Device {
  const isTouch = window.matchMedia('(pointer: coarse)').matches;
  const isNarrow = window.matchMedia('(max-width: 820px)').matches;
  return { isPhone: isTouch && isNarrow, isWeChat: /MicroMessenger/i.test(window.navigator.userAgent) };
}

/** The flows by which this page can take a method, best first. Those within an app need an account of the buyer that this page does not know. */
const wanted: Readonly<Record<PaymentMethod, (device: Device) => readonly PaymentFlow[]>> = {
  CARD: () => ['EMBEDDED', 'REDIRECT'],
  ALIPAY: ({ isPhone }) => (isPhone ? ['MOBILE_WEB', 'REDIRECT', 'QR_CODE'] : ['QR_CODE', 'REDIRECT']),
  WECHAT_PAY: ({ isPhone, isWeChat }) => (isPhone && !isWeChat ? ['MOBILE_WEB', 'QR_CODE'] : ['QR_CODE']),
};

/** The flow in which to start a method; null when this page has none for it. */
export function flowOf({ method, flows }: CheckoutOption, device: Device): PaymentFlow | null {
  return wanted[method](device).find((flow) => flows.includes(flow)) ?? null;
}
