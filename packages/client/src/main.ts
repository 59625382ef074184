// The package's entrance: everything that applications may import.
export type {
  EventCopyFragment as OrderEvent,
  EventType,
  MoneyCopyFragment as Money,
  OrderAction,
  OrderCopyFragment as Order,
  OrderPaymentStatus,
  OrderStatus,
  PaymentCopyFragment as Payment,
  PaymentFlow,
  PaymentMethod,
  PaymentStatus,
  RefundStatus,
} from '../generated/graphql.ts';
export { createPaystreamClient, type FollowTarget, type PaystreamClient, type PaystreamOptions } from './client.ts';
export type { ConnectionState } from './connection.ts';
export { PaystreamError } from './errors.ts';
export type { Followed, Following, FollowOptions, FollowStatus } from './follow.ts';
export { merge, mergeInto, type Versioned } from './merge.ts';
export type { PayInput, PayOptions } from './pay.ts';
export type { PayResult } from './pay-result.ts';
export type { Document, RequestOptions } from './request.ts';
export type { Transport } from './source.ts';
export { memoryStorage, type PaystreamStorage } from './storage.ts';
export type { Token } from './token.ts';
