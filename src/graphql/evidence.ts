import type { EvidenceSource as Source } from '../domain/payment.ts';
import { builder } from './builder.ts';
import { EvidenceSource } from './enums.ts';

type EvidenceFields = { readonly source: Source; readonly providerTime: Date | null; readonly receivedAt: Date };

export const Evidence = builder.objectRef<EvidenceFields>('Evidence').implement({
  description: 'The source of a payment’s or a refund’s status.',
  fields: (t) => ({
    source: t.expose('source', { type: EvidenceSource, description: 'The kind of source.' }),
    providerTime: t.expose('providerTime', {
      type: 'DateTime',
      nullable: true,
      description: 'The provider’s time of the reported change; null when the provider gave none.',
    }),
    receivedAt: t.expose('receivedAt', {
      type: 'DateTime',
      description: 'The time when Paystream received the report.',
    }),
  }),
});

/** Returns the evidence of a payment or refund row; null before the first report. */
export function evidenceOf(row: {
  readonly evidenceSource: Source | null;
  readonly evidenceProviderTime: Date | null;
  readonly evidenceReceivedAt: Date | null;
}): EvidenceFields | null {
  const { evidenceSource: source, evidenceProviderTime: providerTime, evidenceReceivedAt: receivedAt } = row;
  return source === null || receivedAt === null ? null : { source, providerTime, receivedAt };
}
