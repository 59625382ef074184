export const samplers = [
  ...(['always_on', 'always_off', 'traceidratio'] as const),
  ...(['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const),
] as const;

/** How spans are exported. */
export type TracingSettings = {
  /** The URL that takes spans as OTLP over HTTP. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly serviceName: string;
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: (typeof samplers)[number];
  /** From 0 to 1, for the samplers by ratio. */
  readonly ratio: number;
};

/** Where Prometheus reads metrics: an address of its own, because they are for operators alone. */
export type MetricsSettings = { readonly host: string; readonly port: number };

export type TelemetrySettings = {
  /** Null when tracing is off. */
  readonly tracing: TracingSettings | null;
  /** Null when metrics are off. */
  readonly metrics: MetricsSettings | null;
};
