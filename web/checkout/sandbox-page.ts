import type { PaymentMethod } from './order.ts';

/** Where to pay a code of the sandbox without a phone; null for a code of a real provider. */
export function sandboxPageOf(method: PaymentMethod, content: string): string | null {
  const sandbox = document.querySelector<HTMLMetaElement>('meta[name="paystream-sandbox"]')?.content ?? '';
  if (sandbox === '') return null;
  if (content.startsWith(`${sandbox}/`)) return content;
  return method === 'WECHAT_PAY' ? `${sandbox}/cashier/wechatpay?code=${encodeURIComponent(content)}` : null;
}
