import { type Span, type SpanRef, withinSpan } from '../logging/trace.ts';

/** What a span says. Never a secret, a token, the data of a buyer, or a body. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The kinds of work that are observed, from the entrance to the database and the provider. */
export type PieceKind = 'request' | 'operation' | 'command' | 'batch' | 'statement' | 'provider call' | 'callback';

/** A piece of work. */
export type Piece = {
  readonly kind: PieceKind;
  /** From a small set of names that clients do not choose. */
  readonly name: string;
  /** Like `name`, from small sets: each combination is a time series of its own. */
  readonly labels?: Readonly<Record<string, string>>;
  /** For spans alone. May be ids. */
  readonly attributes?: Attributes;
  /** The span that the piece is part of; null for none, unset for the one that is current. */
  readonly parent?: SpanRef | null;
  readonly links?: readonly SpanRef[];
};

/** A piece that is under way. */
export type Watch = {
  /** Null while tracing is off. */
  readonly span: Span | null;
  add(attributes: Attributes): void;
  /** Ends the piece. The outcome is of a small set. Only the first call has an effect. */
  end(outcome: string): void;
};

/** Something that has happened, or a quantity of it. */
export type Fact =
  /** Work that was refused to protect the rest. */
  | { readonly kind: 'shed'; readonly reason: 'overloaded' | 'rate_limited' | 'callbacks_limited' }
  | { readonly kind: 'callback'; readonly provider: string; readonly outcome: string }
  | { readonly kind: 'batch size'; readonly batch: string; readonly size: number }
  /** The time between an event and its reading for the subscribers of this process. */
  | { readonly kind: 'feed lag'; readonly ms: number }
  | { readonly kind: 'failed round'; readonly round: string }
  /** Spans that the collector did not take. */
  | { readonly kind: 'lost spans'; readonly count: number };

/** Receives every piece of this process: tracing is one, metrics are another. */
export type Observer = {
  /** True when its watches have spans. */
  readonly hasSpans: boolean;
  begin(piece: Piece): Watch;
  note(fact: Fact): void;
};

let observers: readonly Observer[] = [];

/** Adds an observer for the process. Returns the function that removes it. */
export function addObserver(observer: Observer): () => void {
  observers = [...observers, observer];
  return () => {
    observers = observers.filter((other) => other !== observer);
  };
}

/** False unless tracing or metrics are on: then observing costs one comparison. */
export function isObserved(): boolean {
  return observers.length > 0;
}

/** True while tracing is on. */
export function isTraced(): boolean {
  return observers.some(({ hasSpans }) => hasSpans);
}

const unwatched: Watch = { span: null, add() {}, end() {} };

/** Begins a piece whose end is known elsewhere. Nothing becomes part of its span. */
export function beginPiece(piece: Piece): Watch {
  if (observers.length === 0) return unwatched;
  const watches = observers.map((observer) => observer.begin(piece));
  const [only] = watches;
  if (only !== undefined && watches.length === 1) return only;
  return {
    span: watches.find(({ span }) => span !== null)?.span ?? null,
    add(attributes) {
      for (const watch of watches) watch.add(attributes);
    },
    end(outcome) {
      for (const watch of watches) watch.end(outcome);
    },
  };
}

/**
 * Carries out a piece of work. Everything that it starts is part of its span. Its outcome is the one that `work` ends the watch with, or else
 * `done` or `failed`.
 */
export async function observed<T>(piece: Piece, work: (watch: Watch) => Promise<T>): Promise<T> {
  if (observers.length === 0) return work(unwatched);
  const watch = beginPiece(piece);
  try {
    const result = await (watch.span === null ? work(watch) : withinSpan(watch.span, () => work(watch)));
    watch.end('done');
    return result;
  } catch (error) {
    watch.end('failed');
    throw error;
  }
}

export function note(fact: Fact): void {
  for (const observer of observers) observer.note(fact);
}
