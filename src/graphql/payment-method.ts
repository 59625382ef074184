import type { PaymentMethodOption as Option } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { PaymentFlow, PaymentMethod } from './enums.ts';

export const PaymentMethodOption = builder.objectRef<Option>('PaymentMethodOption').implement({
  description: 'A way in which an order can be paid.',
  fields: (t) => ({
    method: t.expose('method', { type: PaymentMethod, description: 'What the buyer pays with.' }),
    flows: t.field({
      type: [PaymentFlow],
      description: 'How the buyer can be led to pay; the first is taken when none is named.',
      resolve: ({ flows }) => [...flows],
    }),
  }),
});
