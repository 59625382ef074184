import type { FlowNeeds, PaymentMethodOption as Option } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { PaymentFlow, PaymentMethod } from './enums.ts';

const PaymentFlowNeeds = builder.objectRef<FlowNeeds>('PaymentFlowNeeds').implement({
  description: 'The input fields that one flow requires.',
  fields: (t) => ({
    flow: t.expose('flow', { type: PaymentFlow, description: 'The flow.' }),
    fields: t.stringList({
      description:
        'The optional fields of `PayOrderInput` that this flow requires: `returnUrl`, `openId` or `buyerIp`. Empty for most flows.',
      resolve: ({ fields }) => [...fields],
    }),
  }),
});

export const PaymentMethodOption = builder.objectRef<Option>('PaymentMethodOption').implement({
  description: 'A method by which an order can be paid.',
  fields: (t) => ({
    method: t.expose('method', { type: PaymentMethod, description: 'The means of payment.' }),
    flows: t.field({
      type: [PaymentFlow],
      description: 'The available flows. The first is the default of `PayOrderInput.flow`.',
      resolve: ({ flows }) => [...flows],
    }),
    needs: t.field({
      type: [PaymentFlowNeeds],
      description: 'The required input fields of each flow, in the order of `flows`.',
      resolve: ({ needs }) => [...needs],
    }),
  }),
});
