import type { Started } from './contract-rig.ts';

/** The buyer follows the link, or scans the code, and presses a button there. */
export async function actAtAlipay({ rig, report }: Started, action: 'scan' | 'pay' | 'decline'): Promise<void> {
  const { nextAction } = report;
  if (nextAction?.kind !== 'REDIRECT' && nextAction?.kind !== 'QR_CODE') throw new Error('There is no way to Alipay.');
  const url = await rig.follow(nextAction.kind === 'REDIRECT' ? nextAction.url : nextAction.content);
  await rig.press(url, { action });
}
