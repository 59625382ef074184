import type { FlowNeeds, PaymentMethodOption as Option } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { PaymentFlow, PaymentMethod } from './enums.ts';

const PaymentFlowNeeds = builder.objectRef<FlowNeeds>('PaymentFlowNeeds').implement({
  description: 'What `payOrder` cannot do without when the buyer is led to pay in this way.',
  fields: (t) => ({
    flow: t.expose('flow', { type: PaymentFlow, description: 'Which way.' }),
    fields: t.stringList({
      description:
        'Fields of PayOrderInput that are required then, beside those that always are: `returnUrl`, `openId`, `buyerIp`. Mostly none.',
      resolve: ({ fields }) => [...fields],
    }),
  }),
});

export const PaymentMethodOption = builder.objectRef<Option>('PaymentMethodOption').implement({
  description: 'A way in which an order can be paid.',
  fields: (t) => ({
    method: t.expose('method', { type: PaymentMethod, description: 'What the buyer pays with.' }),
    flows: t.field({
      type: [PaymentFlow],
      description: 'How the buyer can be led to pay; the first is taken when none is named.',
      resolve: ({ flows }) => [...flows],
    }),
    needs: t.field({
      type: [PaymentFlowNeeds],
      description: 'What each of `flows` needs, in the same order.',
      resolve: ({ needs }) => [...needs],
    }),
  }),
});
