/**
 * Steps that end with a commit. Tests can kill the process immediately before the commit, when everything is written and
 * nothing is visible, and immediately after it, when everything is visible and subscribers are not notified yet.
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

/**
 * Places between two commits: the provider has answered and the answer is not stored yet (`.called`), a callback is on its way into the
 * inbox, or an event is on its way to a merchant's endpoint.
 */
const places = [
  ...(['pay.called', 'capture.called', 'refund.called', 'close.called', 'check.called'] as const),
  ...(['callback.verified', 'callback.kept', 'callback.acknowledged'] as const),
  ...(['webhook.queued', 'webhook.sending', 'webhook.answered'] as const),
] as const;

/** A named place where tests can kill the process. It has no effect unless the variable `FAILPOINTS` names it. */
export type Failpoint = `${Step}.uncommitted` | `${Step}.committed` | (typeof places)[number];

export const failpoints: readonly Failpoint[] = [
  ...steps.flatMap((step) => [`${step}.uncommitted`, `${step}.committed`] as const),
  ...places,
];

/** Called at each failpoint. It never returns at a failpoint where the process is killed. */
export type PassFailpoint = (name: Failpoint) => void | Promise<void>;

export const passAll: PassFailpoint = () => {};
