import { useCallback, useEffect, useState } from 'react';
import type { Product } from './operations.ts';

/** The quantities by the skus of the products, without their language. */
export type Basket = Readonly<Record<string, number>>;

const key = 'paystream.shop.basket';
const quantityMax = 99;

/** The basket of this tab, which survives a reload. */
export function useBasket() {
  const [basket, setBasket] = useState<Basket>(read);
  useEffect(() => write(basket), [basket]);
  const change = useCallback((sku: string, by: number) => {
    setBasket(({ [anyLanguage(sku)]: held = 0, ...others }) => {
      const quantity = Math.min(Math.max(held + by, 0), quantityMax);
      return quantity === 0 ? others : { ...others, [anyLanguage(sku)]: quantity };
    });
  }, []);
  const clear = useCallback(() => {
    write({}); // at once: the page may leave before it is drawn again
    setBasket({});
  }, []);
  return { basket, change, clear };
}

export type BasketLine = { readonly product: Product; readonly quantity: number };

/** What is in the basket and still for sale, in the order of the shelves. */
export function linesOf(basket: Basket, products: readonly Product[]): readonly BasketLine[] {
  return products.flatMap((product) => {
    const quantity = basket[anyLanguage(product.sku)] ?? 0;
    return quantity > 0 ? [{ product, quantity }] : [];
  });
}

const marked = /-(en|zh)$/;

/** The products that the start has made are there in both languages. Those of anybody else have one name, and are always shown. */
export function inLanguage(products: readonly Product[], language: string): readonly Product[] {
  return products.filter(({ sku }) => !marked.test(sku) || sku.endsWith(`-${language}`));
}

/** The basket stays the same when the language changes. */
function anyLanguage(sku: string): string {
  return sku.replace(marked, '');
}

/** What the page expects to pay. The server computes what is really paid. */
export function totalOf(lines: readonly BasketLine[]) {
  const currency = lines[0]?.product.unitPrice.currency ?? 'CNY';
  const amountMinor = lines.reduce((sum, { product, quantity }) => sum + product.unitPrice.amountMinor * quantity, 0);
  return { amountMinor, currency };
}

function write(basket: Basket): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(basket));
  } catch {
    // Then it lasts as long as the page.
  }
}

function read(): Basket {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(key) ?? '{}');
    const entries = typeof kept === 'object' && kept !== null ? Object.entries(kept) : [];
    return Object.fromEntries(entries.filter(([, quantity]) => Number.isInteger(quantity) && quantity > 0));
  } catch {
    return {};
  }
}
