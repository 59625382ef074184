import { z } from 'zod';
import { after } from '../domain/clock.ts';
import { type InputIssue, InvalidInputError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { amountMinorMax, isCurrency, sumOf } from '../domain/money.ts';
import { captureModes, type Order } from '../domain/order.ts';
import { OrderChange } from '../domain/order-change.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { insertOrderByIntent } from '../store/change-order.ts';
import { findIntent, hashOf, type Intent } from '../store/idempotency-store.ts';
import { NumberTakenError } from '../store/order-writer.ts';
import { findProducts } from '../store/product-store.ts';
import { type Actor, causeOf, keyOwnerOf } from './actor.ts';
import { idempotencyKey, parseInput, reference, text } from './input.ts';
import { priceLines, skusToPrice } from './price-lines.ts';

const defaultCaptureMode = 'AUTOMATIC';
const defaultExpiresInSeconds = 1800;
const linesMax = 100;

const inputSchema = z.object({
  idempotencyKey,
  number: reference(1, 64).nullish(),
  currency: z.string().refine(isCurrency, 'must be an ISO 4217 currency code in upper case.'),
  lines: z
    .array(
      z.object({
        sku: reference(1, 64).nullish(),
        name: text(1, 256).nullish(),
        quantity: z.int().min(1, 'must be 1 to 999999.').max(999_999, 'must be 1 to 999999.'),
        unitAmountMinor: z.bigint().min(1n, 'must be at least 1.').nullish(),
      }),
    )
    .min(1, 'must have 1 to 100 lines.')
    .max(linesMax, 'must have 1 to 100 lines.'),
  captureMode: z.enum(captureModes).nullish(),
  expiresInSeconds: z.int().min(60, 'must be 60 to 604800.').max(604_800, 'must be 60 to 604800.').nullish(),
  customerId: text(1, 255).nullish(),
  description: text(0, 127).nullish(),
  metadata: z.record(text(1, 40), text(0, 500)).nullish(),
});

type Wanted = Omit<z.output<typeof inputSchema>, 'idempotencyKey' | 'captureMode' | 'expiresInSeconds'> & {
  readonly captureMode: Order['captureMode'];
  readonly expiresInSeconds: number;
};

/** Creates an order. Lines without a price get the catalogue's; those of a customer have no other. Returns its id. A repeated call with the same key returns the id of the order that the first call created. */
export async function createOrder(context: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const { idempotencyKey: key, ...given } = parseInput(inputSchema, input);
  const { captureMode, expiresInSeconds } = given;
  const wanted: Wanted = {
    ...given,
    captureMode: captureMode ?? defaultCaptureMode,
    expiresInSeconds: expiresInSeconds ?? defaultExpiresInSeconds,
  };
  const intent: Intent = {
    ...{ merchantId: actor.merchantId, owner: keyOwnerOf(actor), operation: 'createOrder', key },
    inputHash: hashOf(wanted),
  };
  const isFromCatalogue = actor.role === 'CUSTOMER';
  if (isFromCatalogue) checkCustomersOrder(wanted, actor);
  const skus = skusToPrice(wanted.lines);
  // Prices change: a repeated call must not fail because a product is not for sale any more.
  const prior = skus.length === 0 ? null : await findIntent(context.db.pool, intent);
  if (prior !== null) return prior.resultId;
  const products = skus.length === 0 ? [] : await findProducts(context.db.pool, actor.merchantId, skus);
  const lines = priceLines(wanted.lines, products, { currency: wanted.currency, isFromCatalogue });
  const totalMinor = sumOf(lines, ({ unitMinor, quantity }) => unitMinor * BigInt(quantity));
  if (totalMinor > amountMinorMax) {
    throw new InvalidInputError([{ path: 'lines', message: `must total at most ${amountMinorMax} minor units.` }]);
  }
  const at = context.clock.now();
  const id = newId('order');
  const order: Order = {
    id,
    merchantId: actor.merchantId,
    number: wanted.number ?? numberOf(id, at),
    status: 'OPEN',
    captureMode: wanted.captureMode,
    currency: wanted.currency,
    totalMinor,
    customerId: actor.customerId ?? wanted.customerId ?? null,
    description: wanted.description ?? null,
    metadata: wanted.metadata ?? {},
    reviewReasons: [],
    closeTarget: null,
    cancelReason: null,
    createdAt: at,
    updatedAt: at,
    expiresAt: after(at, wanted.expiresInSeconds * 1000),
    paymentStatus: 'UNPAID',
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    reservedMinor: 0n,
    version: 0,
    dueAt: null,
  };
  const change = new OrderChange(
    { order, payments: [], refunds: [], latePaymentPolicy: 'ACCEPT', refundLimits: null },
    at,
    causeOf(actor),
  );
  change.recordCreation(lines);
  change.planOrder({ dueAt: order.expiresAt });
  try {
    return await insertOrderByIntent(context, intent, change, lines);
  } catch (error) {
    if (!(error instanceof NumberTakenError)) throw error;
    throw new InvalidInputError([{ path: 'number', message: 'is already used by another order.' }]);
  }
}

/**
 * What the merchant decides about an order, a customer cannot.
 *
 * @throws {InvalidInputError}
 */
function checkCustomersOrder(wanted: Wanted, { customerId }: Actor): void {
  const message = 'must not be given by a customer.';
  const issues: InputIssue[] = [];
  if (wanted.number != null) issues.push({ path: 'number', message });
  if (wanted.metadata != null) issues.push({ path: 'metadata', message });
  if (wanted.captureMode === 'MANUAL')
    issues.push({ path: 'captureMode', message: 'must be AUTOMATIC for a customer.' });
  if (wanted.expiresInSeconds > defaultExpiresInSeconds) {
    issues.push({ path: 'expiresInSeconds', message: `must be at most ${defaultExpiresInSeconds} for a customer.` });
  }
  if (wanted.customerId != null && wanted.customerId !== customerId) {
    issues.push({ path: 'customerId', message: 'must be the customer’s own, or omitted.' });
  }
  if (issues.length > 0) throw new InvalidInputError(issues);
}

/** A readable order number: the UTC date, and the last ten characters of the order's id. */
function numberOf(orderId: string, at: Date): string {
  return `${at.toISOString().slice(0, 10).replaceAll('-', '')}-${orderId.slice(-10).toUpperCase()}`;
}
