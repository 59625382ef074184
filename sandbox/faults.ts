/** What can go wrong with a request. `_before`: nothing was done. `_after`: it was done, the answer is lost or wrong. */
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
/** What can go wrong with a callback. */
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
/** What can happen at the provider that the caller did not ask for. */
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

/** What a rule looks at. `text` is the request's body and query, the event's body, or the object as JSON. */
export type Subject = {
  readonly method?: string;
  readonly path?: string;
  readonly operation?: string;
  readonly type?: string;
  readonly text: string;
};

/** Every part that is given must fit. `path` is a prefix, or has `*` for any run of characters; so has `type`. */
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
  /** How often it still applies. */
  readonly times: number;
  readonly probability: number;
  /** For faults that wait: how long, on the sandbox's clock. */
  readonly ms: number | null;
  /** For `duplicate`: how many copies come on top. */
  readonly count: number;
};
export type Rule = NewRule & { readonly id: string };
/** A rule that was just used, its fault narrowed to those that were asked about. */
export type Applied<F> = Omit<Rule, 'fault'> & { readonly fault: F };

export const rulesMax = 1000;

/** The rules by which the sandbox misbehaves; the same ones applied to the same traffic fail alike for the same seed. */
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

  /** Only rules of the named faults are considered, so that asking about refunds uses up no rule about payments. */
  takeOutcome<F extends OutcomeFault>(among: readonly F[], subject: Subject): Applied<F> | null {
    return this.#take('outcome', among, subject);
  }

  /** The first rule that fits; every other stays for what comes next. */
  #take<F extends string>(target: FaultTarget, among: readonly F[], subject: Subject): Applied<F> | null {
    for (const rule of this.#rules) {
      const fault = among.find((candidate) => candidate === rule.fault);
      if (rule.target !== target || fault === undefined || !fits(rule.match, subject)) continue;
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

function fits(match: Match, subject: Subject): boolean {
  return (
    (match.method === undefined || match.method.toUpperCase() === subject.method) &&
    (match.operation === undefined || match.operation === subject.operation) &&
    (match.path === undefined || fitsPattern(match.path, subject.path ?? '', 'prefix')) &&
    (match.type === undefined || fitsPattern(match.type, subject.type ?? '', 'whole')) &&
    (match.contains === undefined || subject.text.includes(match.contains))
  );
}

function fitsPattern(pattern: string, value: string, without: 'prefix' | 'whole'): boolean {
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
