import { randomBytes } from 'node:crypto';
import type { MasterKeys } from './accounts/master-key.ts';
import type { Actor } from './commands/actor.ts';
import { createSigningKey } from './commands/create-signing-key.ts';
import { mintToken } from './commands/mint-token.ts';
import { updateMerchant } from './commands/update-merchant.ts';
import { upsertProduct } from './commands/upsert-product.ts';
import type { CommandContext } from './provider-calls/context.ts';
import { defaultMerchantName, findMerchant } from './store/merchant-store.ts';
import { countProducts } from './store/product-store.ts';
import { findActiveSigningKeys } from './store/signing-key-store.ts';

const sessionSeconds = 8 * 3600;

/** The name and the colour of the merchant of the demo shop. */
const look = { name: 'Corner Coffee', brandColor: '#0f766e' };

/** The products, in both languages of the page, which shows those of its own: `…-en` or `…-zh`. Prices are in fen. */
const products = [
  { sku: 'cup', unitAmountMinor: 6800n, en: 'Espresso cup', zh: '浓缩咖啡杯' },
  { sku: 'beans', unitAmountMinor: 9800n, en: 'Yunnan beans, 250 g', zh: '云南咖啡豆 250 克' },
  { sku: 'dripper', unitAmountMinor: 12_800n, en: 'Pour-over dripper', zh: '手冲滤杯' },
  { sku: 'kettle', unitAmountMinor: 39_900n, en: 'Gooseneck kettle', zh: '细口手冲壶' },
  { sku: 'grinder', unitAmountMinor: 26_800n, en: 'Hand grinder', zh: '手摇磨豆机' },
  { sku: 'filters', unitAmountMinor: 2500n, en: 'Paper filters, 100', zh: '滤纸 100 张' },
] as const;

export type DemoShop = {
  /** A new customer, with a token for eight hours. The first call fills the shop. */
  openSession(): Promise<{ readonly token: string; readonly expiresAt: Date; readonly customerId: string }>;
};

/**
 * The part of the demo shop that a real shop's server does: it keeps the catalogue, and signs the tokens of customers. Development only. It
 * does nothing that the public API cannot: `upsertProduct`, `updateMerchant` and `createSigningKey`.
 *
 * What the merchant has already stays as it is: products are added to an empty catalogue only, and a merchant that has a name keeps it.
 */
export function createDemoShop(
  commands: CommandContext,
  { merchantId, masterKeys }: { readonly merchantId: string; readonly masterKeys: MasterKeys },
): DemoShop {
  const context = { db: commands.db, clock: commands.clock, masterKeys };
  let filling: Promise<void> | null = null;
  const fill = async () => {
    await Promise.all([stockShelves(commands, merchantId), nameMerchant(commands, merchantId)]);
    const keys = await findActiveSigningKeys(commands.db.pool, merchantId);
    if (keys.every(({ jwksUrl }) => jwksUrl !== null)) {
      await createSigningKey({ ...context, isProduction: false }, { merchantId });
    }
  };
  return {
    async openSession() {
      filling ??= fill();
      await filling.catch((error: unknown) => {
        filling = null; // the next visit tries again
        throw error;
      });
      const customerId = `shopper-${randomBytes(4).toString('hex')}`;
      const input = { merchantId, role: 'CUSTOMER', subject: customerId, expiresInSeconds: sessionSeconds };
      return { ...(await mintToken(context, input)), customerId };
    },
  };
}

async function stockShelves(commands: CommandContext, merchantId: string): Promise<void> {
  if ((await countProducts(commands.db.pool, merchantId)) > 0) return;
  const actor: Actor = {
    role: 'MERCHANT',
    id: 'development',
    ...{ merchantId, customerId: null, orderId: null, returnOrigins: [] },
  };
  for (const { sku, unitAmountMinor, en, zh } of products) {
    await upsertProduct(commands, actor, { sku: `${sku}-en`, name: en, unitAmountMinor, currency: 'CNY' });
    await upsertProduct(commands, actor, { sku: `${sku}-zh`, name: zh, unitAmountMinor, currency: 'CNY' });
  }
}

async function nameMerchant(commands: CommandContext, merchantId: string): Promise<void> {
  const merchant = await findMerchant(commands.db.pool, merchantId);
  if (merchant?.name === defaultMerchantName) await updateMerchant(commands, merchantId, look, false);
}
