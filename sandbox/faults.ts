/** Faults of API requests. `_before`: the request is not executed. `_after`: it is executed and the response is lost or wrong. */
export const requestFaults = [
  'delay',
  'delay_after',
  'timeout_before',
  'timeout_after',
  'reset_before',
  'reset_after',
  'error_500_before',
  'error_500_after',
  'rate_limit',
  'lock_timeout',
  'refuse',
  'malformed',
  'bad_signature',
  'unsigned',
  'system_error',
  'wrong_serial',
  'probe',
  'user_paying',
  'gbk',
] as const;
/** Faults of callbacks. */
export const callbackFaults = [
  'drop',
  'duplicate',
  'delay',
  'reorder',
  'forge',
  'alter',
  'stale',
  'probe',
  'wrong_amount',
  'unknown_status',
  'unreadable',
  'gbk',
  'another_account',
] as const;
/** Changes of state at the provider that the merchant did not request. */
export const outcomeFaults = [
  'success_after_close',
  'processing_then_succeeded',
  'processing_then_failed',
  'authorization_lapses',
  'refund_pending_then_succeeded',
  'refund_pending_then_failed',
  'refund_fails_later',
] as const;

export type RequestFault = (typeof requestFaults)[number];
export type CallbackFault = (typeof callbackFaults)[number];
export type OutcomeFault = (typeof outcomeFaults)[number];
export type FaultTarget = 'request' | 'callback' | 'outcome';

/** The facts that a rule is matched with. `text` is the request's body and query, the event's body, or the object as JSON. */
export type Subject = {
  readonly method?: string;
  readonly path?: string;
  readonly operation?: string;
  readonly type?: string;
  readonly text: string;
};

/**
 * All given conditions must match. `*` in `path` and `type` stands for any characters. Without `*`, `path` is a prefix and `type` an exact
 * value.
 */
export type Match = {
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly operation?: string | undefined;
  readonly type?: string | undefined;
  readonly contains?: string | undefined;
};

export type NewRule = {
  readonly target: FaultTarget;
  readonly fault: RequestFault | CallbackFault | OutcomeFault;
  readonly match: Match;
  /** The number of times that the rule still applies. */
  readonly times: number;
  readonly probability: number;
  /** The delay of the fault on the sandbox's clock. */
  readonly ms: number | null;
  /** For `duplicate`: the number of additional copies. */
  readonly count: number;
};
export type Rule = NewRule & { readonly id: string };
/** A rule that applied, with its fault narrowed to the requested ones. */
export type Applied<F> = Omit<Rule, 'fault'> & { readonly fault: F };

export const rulesMax = 1000;

/** The fault rules. With the same seed, the same rules cause the same faults in the same traffic. */
export class Faults {
  #rules: Rule[] = [];
  #random: () => number;
  #added = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  add(rule: NewRule): Rule {
    this.#added += 1;
    const added = { ...rule, id: `fault_${this.#added}` };
    this.#rules.push(added);
    return added;
  }

  all(): readonly Rule[] {
    return this.#rules;
  }

  clear(id?: string): number {
    const before = this.#rules.length;
    this.#rules = id === undefined ? [] : this.#rules.filter((rule) => rule.id !== id);
    return before - this.#rules.length;
  }

  takeRequest(subject: Subject): Applied<RequestFault> | null {
    return this.#take('request', requestFaults, subject);
  }

  takeCallback(subject: Subject): Applied<CallbackFault> | null {
    return this.#take('callback', callbackFaults, subject);
  }

  /** Considers only rules for the named faults, so that a refund does not use up a rule for payments. */
  takeOutcome<F extends OutcomeFault>(among: readonly F[], subject: Subject): Applied<F> | null {
    return this.#take('outcome', among, subject);
  }

  /** Uses the first rule that matches. */
  #take<F extends string>(target: FaultTarget, among: readonly F[], subject: Subject): Applied<F> | null {
    for (const rule of this.#rules) {
      const fault = among.find((candidate) => candidate === rule.fault);
      if (rule.target !== target || fault === undefined || !matches(rule.match, subject)) continue;
      if (rule.probability < 1 && this.#random() >= rule.probability) continue;
      this.#useUp(rule);
      return { ...rule, fault };
    }
    return null;
  }

  #useUp(rule: Rule): void {
    const left = { ...rule, times: rule.times - 1 };
    this.#rules = this.#rules.flatMap((other) => (other.id !== rule.id ? [other] : left.times > 0 ? [left] : []));
  }
}

function matches(match: Match, subject: Subject): boolean {
  return (
    (match.method === undefined || match.method.toUpperCase() === subject.method) &&
    (match.operation === undefined || match.operation === subject.operation) &&
    (match.path === undefined || matchesPattern(match.path, subject.path ?? '', 'prefix')) &&
    (match.type === undefined || matchesPattern(match.type, subject.type ?? '', 'whole')) &&
    (match.contains === undefined || subject.text.includes(match.contains))
  );
}

function matchesPattern(pattern: string, value: string, without: 'prefix' | 'whole'): boolean {
  if (!pattern.includes('*')) return without === 'prefix' ? value.startsWith(pattern) : value === pattern;
  const pieces = pattern.split('*');
  const last = pieces.pop() ?? '';
  let at = 0;
  for (const [index, piece] of pieces.entries()) {
    const found = value.indexOf(piece, at);
    if (found < 0 || (index === 0 && found !== 0)) return false;
    at = found + piece.length;
  }
  return value.length - at >= last.length && value.endsWith(last);
}
