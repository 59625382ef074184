import { type InputIssue, InvalidInputError } from '../domain/errors.ts';
import { amountMinorMax } from '../domain/money.ts';
import type { OrderLine } from '../domain/order.ts';
import type { Product } from '../domain/product.ts';

/** A line of `createOrder`. Without a price, the catalogue has it. */
export type WantedLine = {
  readonly sku?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly quantity: number;
  readonly unitAmountMinor?: bigint | null | undefined;
};

/** The skus whose prices the catalogue has to say. */
export function skusToPrice(lines: readonly WantedLine[]): readonly string[] {
  return lines.flatMap(({ sku, unitAmountMinor }) => (unitAmountMinor == null && sku != null ? [sku] : []));
}

/**
 * The lines with their prices: those that were given, or those of the catalogue.
 *
 * @throws {InvalidInputError} for each line that has no price, or has one although its price must be the catalogue's.
 */
export function priceLines(
  lines: readonly WantedLine[],
  products: readonly Product[],
  { currency, isFromCatalogue }: { readonly currency: string; readonly isFromCatalogue: boolean },
): readonly OrderLine[] {
  const issues: InputIssue[] = [];
  const priced = lines.map((line, position): OrderLine => {
    const product = products.find(({ sku }) => sku === line.sku);
    const found = isFromCatalogue ? issueOfCustomerLine(line, product, currency) : issueOfLine(line, product, currency);
    if (found !== null) issues.push({ path: `lines.${position}.${found.path}`, message: found.message });
    return {
      position,
      sku: line.sku ?? null,
      name: line.name ?? product?.name ?? '',
      quantity: line.quantity,
      unitMinor: line.unitAmountMinor ?? product?.unitMinor ?? 0n,
    };
  });
  if (issues.length > 0) throw new InvalidInputError(issues);
  return priced;
}

function issueOfLine(line: WantedLine, product: Product | undefined, currency: string): InputIssue | null {
  const { sku, name, unitAmountMinor } = line;
  if (unitAmountMinor == null) {
    if (sku == null) return { path: 'unitAmountMinor', message: 'is required without the sku of a product.' };
    return issueOfProduct(product, currency);
  }
  if (name == null) return { path: 'name', message: 'is required with unitAmountMinor.' };
  if (unitAmountMinor > amountMinorMax) {
    return { path: 'unitAmountMinor', message: `must be at most ${amountMinorMax}.` };
  }
  return null;
}

function issueOfCustomerLine(line: WantedLine, product: Product | undefined, currency: string): InputIssue | null {
  if (line.unitAmountMinor != null) {
    return { path: 'unitAmountMinor', message: 'must not be given by a customer: the catalogue has the price.' };
  }
  if (line.name != null) {
    return { path: 'name', message: 'must not be given by a customer: the catalogue has the name.' };
  }
  if (line.sku == null) return { path: 'sku', message: 'is required: customers order from the catalogue.' };
  return issueOfProduct(product, currency);
}

function issueOfProduct(product: Product | undefined, currency: string): InputIssue | null {
  if (product === undefined || !product.active) return { path: 'sku', message: 'is not an active product.' };
  if (product.currency !== currency) {
    return { path: 'sku', message: `is a product with a price in ${product.currency}, not in ${currency}.` };
  }
  return null;
}
