import type { EvidenceSource as Source } from '../domain/payment.ts';
import { builder } from './builder.ts';
import { EvidenceSource } from './enums.ts';

type Known = { readonly source: Source; readonly providerTime: Date | null; readonly receivedAt: Date };

export const Evidence = builder.objectRef<Known>('Evidence').implement({
  description: 'How we know what a payment’s or a refund’s status says.',
  fields: (t) => ({
    source: t.expose('source', { type: EvidenceSource, description: 'Who told us, and in what way.' }),
    providerTime: t.expose('providerTime', {
      type: 'DateTime',
      nullable: true,
      description: 'The provider’s own time of what it reported.',
    }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime', description: 'When we learned of it.' }),
  }),
});

/** The evidence of a payment's or a refund's row. */
export function evidenceOf(row: {
  readonly evidenceSource: Source | null;
  readonly evidenceProviderTime: Date | null;
  readonly evidenceReceivedAt: Date | null;
}): Known | null {
  const { evidenceSource: source, evidenceProviderTime: providerTime, evidenceReceivedAt: receivedAt } = row;
  return source === null || receivedAt === null ? null : { source, providerTime, receivedAt };
}
