/**
 * The TypeScript types of the API's scalars, for the `scalars` option of GraphQL Code Generator. Without it, they are `unknown`.
 * `EventCursor` is opaque; `MinorUnits` is a safe integer; `DateTime` is RFC 3339 text in UTC.
 */
export const scalars = {
  ID: 'string',
  DateTime: 'string',
  MinorUnits: 'number',
  CurrencyCode: 'string',
  EventCursor: 'string',
  Metadata: 'Record<string, string>',
} as const;
