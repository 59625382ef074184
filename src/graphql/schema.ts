import './scalars.ts';
import './errors.ts';
import './node.ts';
import './order.ts';
import './orders.ts';
import './payment.ts';
import './payments.ts';
import './refund.ts';
import './refunds.ts';
import './review.ts';
import './event.ts';
import './delivery.ts';
import './merchant.ts';
import './sales.ts';
import './product.ts';
import './keys.ts';
import './provider-account.ts';
import './viewer-type.ts';
import './webhook-endpoint.ts';
import './webhook-message.ts';
import './webhook-mutations.ts';
import { builder } from './builder.ts';
import { logMutations } from './mutation-log.ts';

/** The API, printed to `schema.graphql`. */
export const schema = logMutations(builder.toSchema());
