import type { ReadLine, ReadOrder, ReadPayment, ReadRefund } from '../store/order-reader.ts';
import { builder } from './builder.ts';

// Orders, payments and refunds refer to each other, and events to orders. Each is defined in a file of its own.

export const Order = builder.objectRef<ReadOrder>('Order');
export const OrderLine = builder.objectRef<ReadLine>('OrderLine');
export const Payment = builder.objectRef<ReadPayment>('Payment');
export const Refund = builder.objectRef<ReadRefund>('Refund');
