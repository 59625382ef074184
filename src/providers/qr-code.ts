import { renderSVG } from 'uqr';
import type { NextAction } from '../domain/payment.ts';

/** A QR code as text and as a data URI that a page can display. */
export function qrCode(content: string, expiresAt: Date): NextAction {
  const svg = renderSVG(content, { ecc: 'M', border: 4 });
  return {
    kind: 'QR_CODE',
    content,
    imageUri: `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`,
    expiresAt: expiresAt.toISOString(),
  };
}
