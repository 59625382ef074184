import { columnsOf } from './rows.ts';

export const orderColumns = columnsOf([
  ...['id', 'merchantId', 'number', 'status', 'paymentStatus', 'captureMode', 'currency', 'totalMinor'],
  ...['authorizedMinor', 'capturedMinor', 'refundedMinor', 'reservedMinor', 'customerId', 'description', 'metadata'],
  ...['reviewReasons', 'closeTarget', 'cancelReason', 'createdAt', 'updatedAt', 'expiresAt', 'version', 'dueAt'],
]);
export const lineColumns = columnsOf([
  'orderId',
  'position',
  'merchantId',
  'sku',
  'name',
  'quantity',
  'currency',
  'unitMinor',
]);
export const paymentColumns = columnsOf([
  ...['id', 'orderId', 'merchantId', 'method', 'flow', 'provider', 'providerAccount', 'status', 'captureMode'],
  ...['currency', 'amountMinor', 'authorizedMinor', 'capturedMinor', 'refundedMinor', 'reservedMinor', 'appliedMinor'],
  ...[
    'surplusMinor',
    'quarantinedMinor',
    'refusedCaptures',
    'late',
    'closeTarget',
    'returnUrl',
    'openId',
    'buyerIp',
    'description',
  ],
  ...['providerPaymentId', 'failureReason', 'failureMessage', 'failureProviderCode', 'failureAttempt'],
  ...['evidenceSource', 'evidenceProviderTime', 'evidenceReceivedAt', 'createdAt', 'updatedAt', 'succeededAt'],
  ...['expiresAt', 'nextAction', 'providerReference', 'checkAt', 'checkAttempts', 'leasedUntil'],
  ...['captureMinor', 'captureAttempt', 'cardBrand', 'cardLast4'],
]);
export const refundColumns = columnsOf([
  ...['id', 'orderId', 'paymentId', 'merchantId', 'status', 'origin', 'currency', 'amountMinor', 'reason'],
  ...['requestedByKind', 'requestedById', 'approval', 'decidedByKind', 'decidedById'],
  ...['providerRefundId', 'failureReason', 'failureMessage', 'failureProviderCode', 'evidenceSource'],
  ...['evidenceProviderTime', 'evidenceReceivedAt', 'createdAt', 'updatedAt', 'succeededAt', 'checkAt'],
  ...['checkAttempts', 'leasedUntil'],
]);
export const eventColumns = columnsOf([
  ...['id', 'merchantId', 'orderId', 'sequence', 'type', 'occurredAt', 'orderNumber', 'orderStatus'],
  ...[
    'actorKind',
    'actorId',
    'orderPaymentStatus',
    'paymentId',
    'paymentStatus',
    'paymentMethod',
    'refundId',
    'refundStatus',
  ],
  ...['amountMinor', 'currency', 'changes'],
]);
export const intentColumns = columnsOf([
  ...['merchantId', 'owner', 'operation', 'key', 'inputHash', 'resultId', 'attempt', 'createdAt', 'neededAt'],
]);
export const salesColumns = columnsOf([
  ...[
    'merchantId',
    'quarter',
    'method',
    'currency',
    'started',
    'succeeded',
    'failed',
    'capturedMinor',
    'refundedMinor',
  ],
]);
