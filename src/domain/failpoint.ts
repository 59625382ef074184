/**
 * Steps of our work that end with a commit. A process can be made to die right before it, when all is written and nothing is so yet,
 * and right after it, when all is so and nobody has been told.
 */
const steps = [
  ...(['create', 'pay.intent', 'pay.answer', 'capture.intent', 'capture.answer'] as const),
  ...([
    'refund.intent',
    'refund.answer',
    'close.intent',
    'close.answer',
    'check.answer',
    'callback.apply',
    'review',
  ] as const),
] as const;
export type Step = (typeof steps)[number];

/** Moments between two commits: the provider has answered and it is not written; a callback on its way into the inbox. */
const moments = [
  ...(['pay.called', 'capture.called', 'refund.called', 'close.called', 'check.called'] as const),
  ...(['callback.verified', 'callback.kept', 'callback.acknowledged'] as const),
] as const;

/** A named place where tests make a process die. Passing it does nothing unless FAILPOINTS names it. */
export type Failpoint = `${Step}.uncommitted` | `${Step}.committed` | (typeof moments)[number];

export const failpoints: readonly Failpoint[] = [
  ...steps.flatMap((step) => [`${step}.uncommitted`, `${step}.committed`] as const),
  ...moments,
];

/** What happens at a failpoint; where it is to die, it never comes back. */
export type PassFailpoint = (name: Failpoint) => void | Promise<void>;

export const passAll: PassFailpoint = () => {};
