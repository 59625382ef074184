import { renderSVG } from 'uqr';
import type { NextAction } from '../domain/payment.ts';

/** What a buyer scans, as text and as an image that a page can show as it is. */
export function qrCode(content: string, expiresAt: Date): NextAction {
  const svg = renderSVG(content, { ecc: 'M', border: 4 });
  return {
    kind: 'QR_CODE',
    content,
    imageUri: `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`,
    expiresAt: expiresAt.toISOString(),
  };
}
