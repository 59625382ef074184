import { z } from 'zod';
import { after } from '../domain/clock.ts';
import { InvalidInputError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { amountMinorMax, isCurrency, sumOf } from '../domain/money.ts';
import { captureModes, type Order, type OrderLine } from '../domain/order.ts';
import { OrderChange } from '../domain/order-change.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { hashOf, type Intent } from '../store/idempotency-store.ts';
import { isNumberTaken } from '../store/order-store.ts';
import { insertOrderByIntent } from '../store/order-writer.ts';
import { type Actor, causeOf, keyOwnerOf } from './actor.ts';
import { idempotencyKey, parseInput, text } from './input.ts';

const defaultCaptureMode = 'AUTOMATIC';
const defaultExpiresInSeconds = 1800;
const linesMax = 100;

const inputSchema = z.object({
  idempotencyKey,
  number: text(1, 64).nullish(),
  currency: z.string().refine(isCurrency, 'must be an ISO 4217 currency code in upper case.'),
  lines: z
    .array(
      z.object({
        sku: text(1, 64).nullish(),
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

/** Creates an order. Returns its id. A repeated call with the same key returns the id of the order that the first call created. */
export async function createOrder(context: CommandContext, actor: Actor, input: unknown): Promise<string> {
  const { idempotencyKey: key, ...given } = parseInput(inputSchema, input);
  const { captureMode, expiresInSeconds } = given;
  const wanted = {
    ...given,
    captureMode: captureMode ?? defaultCaptureMode,
    expiresInSeconds: expiresInSeconds ?? defaultExpiresInSeconds,
  };
  const lines = wanted.lines.map((line, position) => pricedLine(line, position));
  const totalMinor = sumOf(lines, ({ unitMinor, quantity }) => unitMinor * BigInt(quantity));
  if (totalMinor > amountMinorMax) {
    throw new InvalidInputError([{ path: 'lines', message: `must total at most ${amountMinorMax} minor units.` }]);
  }
  const intent: Intent = {
    ...{ merchantId: actor.merchantId, owner: keyOwnerOf(actor), operation: 'createOrder', key },
    inputHash: hashOf(wanted),
  };
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
    customerId: wanted.customerId ?? null,
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
    if (!isNumberTaken(error)) throw error;
    throw new InvalidInputError([{ path: 'number', message: 'is already used by another order.' }]);
  }
}

type WantedLine = z.output<typeof inputSchema>['lines'][number];

function pricedLine({ sku, name, quantity, unitAmountMinor }: WantedLine, position: number): OrderLine {
  if (unitAmountMinor == null) {
    throw new InvalidInputError([
      {
        path: `lines.${position}.unitAmountMinor`,
        message: 'is required: prices cannot be looked up by sku yet.',
      },
    ]);
  }
  if (name == null) throw new InvalidInputError([{ path: `lines.${position}.name`, message: 'is required.' }]);
  if (unitAmountMinor > amountMinorMax) {
    throw new InvalidInputError([
      { path: `lines.${position}.unitAmountMinor`, message: `must be at most ${amountMinorMax}.` },
    ]);
  }
  return { position, sku: sku ?? null, name, quantity, unitMinor: unitAmountMinor };
}

/** A readable order number: the UTC date, and the last ten characters of the order's id. */
function numberOf(orderId: string, at: Date): string {
  return `${at.toISOString().slice(0, 10).replaceAll('-', '')}-${orderId.slice(-10).toUpperCase()}`;
}
