import { checkChargeAmount, currencyCode } from './amounts.ts';
import { cardOfNumber, cardOfPaymentMethod, type TestCard } from './cards.ts';
import {
  type Endpoint,
  type EndpointResponse,
  echoedFields,
  echoedOf,
  endpoint,
  type KeyKind,
  ok,
} from './endpoints.ts';
import { errorBody, invalid, missing } from './errors.ts';
import { expanded, listPage, listParams } from './lists.ts';
import { intentObject, publicIntentObject, type StripeObject } from './objects.ts';
import {
  anything,
  expand,
  flag,
  hash,
  integer,
  metadata,
  methodTypes,
  notInSandbox,
  oneOf,
  required,
  text,
} from './params.ts';
import { type Attempt, type ConfirmOptions, confirmIntent } from './payment-attempts.ts';
import { attachCard, cancelIntent, captureIntent, createIntent } from './payment-intents.ts';
import type { IntentRow, StripeState } from './state.ts';

const cardData = hash({
  number: required(text(32)),
  exp_month: integer(),
  exp_year: integer(),
  cvc: text(8),
});

const methodData = hash({
  type: required(oneOf('card')),
  card: required(cardData),
  billing_details: anything(),
  allow_redisplay: text(),
  metadata: metadata(),
});

const captureMethod = oneOf('automatic', 'automatic_async', 'manual');

const confirmFields = {
  payment_method: text(),
  payment_method_data: methodData,
  payment_method_options: anything(),
  return_url: text(),
  error_on_requires_action: flag(),
  off_session: flag(),
  use_stripe_sdk: flag(),
  mandate_data: notInSandbox(),
  confirmation_token: notInSandbox(),
  expand,
};

/** Without `payment_method_types`: the pinned API version has removed it. */
const createFields = {
  ...echoedFields,
  ...confirmFields,
  amount: required(integer()),
  currency: required(currencyCode()),
  allowed_payment_method_types: methodTypes(),
  automatic_payment_methods: hash({ enabled: flag(), allow_redirects: oneOf('always', 'never') }),
  capture_method: captureMethod,
  confirm: flag(),
  confirmation_method: oneOf('automatic'),
  customer: notInSandbox(),
  description: text(1000),
  metadata: metadata(),
  receipt_email: text(800),
};

export const intentEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'POST', path: '/v1/payment_intents', operation: 'payment_intents.create' },
    createFields,
    (params) => {
      checkChargeAmount(params.amount, params.currency, 'amount');
      const card = cardOf(params);
      if (params.payment_method_data && !params.confirm) {
        throw invalid('The sandbox accepts `payment_method_data` only together with `confirm`.', 'payment_method_data');
      }
      return (stripe) => {
        const intent = createIntent(stripe, {
          amount: params.amount,
          currency: params.currency,
          captureMethod: params.capture_method ?? 'automatic',
          description: params.description ?? null,
          receiptEmail: params.receipt_email ?? null,
          metadata: params.metadata ?? {},
          allowedTypes: params.allowed_payment_method_types ?? null,
          echoed: echoedOf(params),
          session: null,
        });
        if (params.confirm)
          return attemptResponse(stripe, confirmIntent(stripe, intent, card, optionsOf(params)), params.expand);
        return intentResponse(stripe, card ? attachCard(stripe, intent, card) : intent, params.expand);
      };
    },
  ),

  endpoint(
    { method: 'GET', path: '/v1/payment_intents', operation: 'payment_intents.list' },
    { ...listParams, customer: notInSandbox() },
    (params) => (stripe) => {
      const page = listPage(
        '/v1/payment_intents',
        stripe.intents.all(),
        params,
        () => true,
        (row) => intentObject(stripe, row),
      );
      return ok(expanded(stripe, page, params.expand));
    },
  ),

  endpoint(
    { method: 'GET', path: '/v1/payment_intents/:id', operation: 'payment_intents.retrieve', publishable: true },
    { client_secret: text(), expand, ...stripeJsFields() },
    (params, { id, key }) =>
      (stripe) => {
        const intent = findIntent(stripe, id, key, params.client_secret);
        return key === 'publishable'
          ? ok(publicIntentObject(stripe, intent))
          : intentResponse(stripe, intent, params.expand);
      },
  ),

  endpoint(
    {
      method: 'POST',
      path: '/v1/payment_intents/:id/confirm',
      operation: 'payment_intents.confirm',
      publishable: true,
    },
    { ...confirmFields, client_secret: text(), receipt_email: text(800), ...stripeJsFields() },
    (params, { id, key }) => {
      const card = cardOf(params);
      return (stripe) => {
        const intent = findIntent(stripe, id, key, params.client_secret);
        if (intent.session !== null) {
          throw invalid('You cannot confirm this PaymentIntent because it was created by a Checkout Session.');
        }
        const attempt = confirmIntent(stripe, intent, card, optionsOf(params));
        return key === 'publishable'
          ? publicAttemptResponse(stripe, attempt)
          : attemptResponse(stripe, attempt, params.expand);
      };
    },
  ),

  endpoint(
    { method: 'POST', path: '/v1/payment_intents/:id/capture', operation: 'payment_intents.capture' },
    {
      amount_to_capture: integer(),
      final_capture: oneOf('true'),
      metadata: metadata(),
      statement_descriptor: text(22),
      statement_descriptor_suffix: text(22),
      expand,
    },
    (params, { id }) =>
      (stripe) => {
        const intent = findIntent(stripe, id, 'secret', undefined);
        const noted = params.metadata ? { ...intent, metadata: { ...intent.metadata, ...params.metadata } } : intent;
        return intentResponse(stripe, captureIntent(stripe, noted, params.amount_to_capture), params.expand);
      },
  ),

  endpoint(
    { method: 'POST', path: '/v1/payment_intents/:id/cancel', operation: 'payment_intents.cancel' },
    { cancellation_reason: oneOf('duplicate', 'fraudulent', 'requested_by_customer', 'abandoned'), expand },
    (params, { id }) =>
      (stripe) => {
        const intent = findIntent(stripe, id, 'secret', undefined);
        return intentResponse(stripe, cancelIntent(stripe, intent, params.cancellation_reason ?? null), params.expand);
      },
  ),
];

/** The parameters that Stripe.js adds to its calls. */
function stripeJsFields() {
  return { key: text(), _stripe_version: text(), payment_user_agent: text(), expected_payment_method_type: text() };
}

/** A page must send the client secret of the intent. A wrong secret gets the same error as an unknown intent. */
function findIntent(stripe: StripeState, id: string, key: KeyKind, clientSecret: string | undefined): IntentRow {
  const intent = stripe.intents.get(id);
  const fits = clientSecret === undefined ? key === 'secret' : clientSecret === intent?.clientSecret;
  if (!intent || !fits) throw missing('payment_intent', id, 'intent');
  return intent;
}

type CardParams = {
  readonly payment_method?: string | undefined;
  readonly payment_method_data?: { readonly card: { readonly number: string } } | undefined;
};

/** @throws {StripeRefusal} for a PaymentMethod that does not belong to a test card, and for two cards at once. */
function cardOf(params: CardParams): TestCard | null {
  if (params.payment_method !== undefined && params.payment_method_data !== undefined) {
    throw invalid('You may only specify one of these parameters: payment_method, payment_method_data.');
  }
  if (params.payment_method_data) return cardOfNumber(params.payment_method_data.card.number);
  return params.payment_method === undefined ? null : cardOfPaymentMethod(params.payment_method, 'payment_method');
}

function optionsOf(params: {
  readonly return_url?: string | undefined;
  readonly error_on_requires_action?: boolean | undefined;
  readonly off_session?: boolean | undefined;
}): ConfirmOptions {
  const { return_url: returnUrl } = params;
  if (returnUrl !== undefined && !/^https?:\/\//.test(returnUrl))
    throw invalid('Not a valid URL', 'return_url', 'url_invalid');
  return {
    returnUrl: returnUrl ?? null,
    errorOnRequiresAction: params.error_on_requires_action === true || params.off_session === true,
  };
}

function intentResponse(
  stripe: StripeState,
  intent: IntentRow,
  paths: readonly string[] | undefined,
): EndpointResponse {
  return ok(expanded(stripe, intentObject(stripe, intent), paths));
}

function attemptResponse(
  stripe: StripeState,
  { intent, declined }: Attempt,
  paths: readonly string[] | undefined,
): EndpointResponse {
  if (!declined) return intentResponse(stripe, intent, paths);
  return { status: 402, body: declinedBody(declined, intentObject(stripe, intent)) };
}

function publicAttemptResponse(stripe: StripeState, { intent, declined }: Attempt): EndpointResponse {
  const seen = publicIntentObject(stripe, intent);
  return declined ? { status: 402, body: declinedBody(declined, seen) } : ok(seen);
}

function declinedBody(declined: NonNullable<Attempt['declined']>, intent: StripeObject): StripeObject {
  return { ...errorBody({ ...declined, payment_intent: intent }) };
}
