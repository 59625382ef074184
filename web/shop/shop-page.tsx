import { createPaystreamClient, type PaystreamClient, PaystreamError } from '@paystream/client';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { PreferenceControls } from '../shared/preference-controls.tsx';
import { useFormat, usePreferences, useTexts } from '../shared/preferences.tsx';
import { useReturnByHistory } from '../shared/use-return-by-history.ts';
import { type BasketLine, inLanguage, linesOf, totalOf, useBasket } from './basket.ts';
import { checkoutLink, dashboardLink } from './links.ts';
import { type Product, placeOrderOperation, type ShopMerchant, shopOperation } from './operations.ts';
import { Orders } from './orders.tsx';
import { Picture } from './pictures.tsx';
import { type Customer, forgetCustomer, openCustomer } from './session.ts';
import { texts } from './texts.ts';

type Shop = {
  readonly customer: Customer;
  readonly client: PaystreamClient;
  readonly merchant: ShopMerchant;
  readonly products: readonly Product[];
};

type State =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly message: string }
  | (Shop & { readonly kind: 'open' });

/** The time until a shop that could not be opened is tried again. */
const loadAgainMs = 2000;

export function ShopPage() {
  const t = useTexts(texts);
  const [state, setState] = useState<State>({ kind: 'loading' });
  const load = useCallback(() => {
    openShop().then(
      (shop) => setState({ kind: 'open', ...shop }),
      (error: unknown) => setState({ kind: 'failed', message: error instanceof Error ? error.message : '' }),
    );
  }, []);
  useEffect(load, [load]);
  useEffect(() => {
    if (state.kind !== 'failed') return;
    const timer = window.setTimeout(load, loadAgainMs);
    return () => window.clearTimeout(timer);
  }, [state, load]);
  const name = state.kind === 'open' ? state.merchant.name : t('title');
  useEffect(() => {
    document.title = name;
  }, [name]);
  return (
    <div className="shop">
      <header className="bar">
        <span className="logo">
          <span className="logo-mark" aria-hidden="true">
            {Array.from(name)[0]}
          </span>
          {name}
        </span>
        <nav className="bar-links">
          {state.kind === 'open' && (
            <a className="basket-link" href="#basket">
              {t('basket')}
            </a>
          )}
          {state.kind === 'open' && <a href={dashboardLink(state.customer, null)}>{t('dashboard')}</a>}
          <PreferenceControls />
        </nav>
      </header>
      {state.kind === 'open' ? (
        <OpenShop {...state} />
      ) : (
        <main className="notice" aria-busy={state.kind === 'loading'}>
          <h1>{t(state.kind === 'loading' ? 'loading' : 'unreachable')}</h1>
          {state.kind === 'failed' && (
            <>
              <p className="muted">{state.message}</p>
              <button type="button" className="button" onClick={load}>
                {t('tryAgain')}
              </button>
            </>
          )}
        </main>
      )}
    </div>
  );
}

/** Signs in and reads the catalogue. A token of an earlier server is replaced once. */
async function openShop(isAgain = false): Promise<Shop> {
  const customer = await openCustomer();
  const client = createPaystreamClient({ url: '/graphql', token: customer.token });
  try {
    const { viewer, products } = await client.request(shopOperation, {});
    if (viewer === null) throw new Error('The server did not say who this customer is.');
    return { customer, client, merchant: viewer.merchant, products: products?.nodes ?? [] };
  } catch (error) {
    const isOld = error instanceof PaystreamError && error.code === 'UNAUTHENTICATED';
    if (!isOld || isAgain) throw error;
    forgetCustomer(customer);
    return openShop(true);
  }
}

function OpenShop({ customer, client, products }: Shop) {
  const t = useTexts(texts);
  const { language } = usePreferences();
  const { basket, change, clear } = useBasket();
  const shown = useMemo(() => inLanguage(products, language), [products, language]);
  const lines = linesOf(basket, shown);
  return (
    <main className="shop-main">
      <div className="shelves">
        <h1>{t('title')}</h1>
        <p className="lead">{t('lead')}</p>
        <section aria-label={t('products')}>
          <ul className="products">
            {shown.map((product) => (
              <ProductCard key={product.sku} product={product} onAdd={() => change(product.sku, 1)} />
            ))}
          </ul>
        </section>
      </div>
      <div className="aside">
        <BasketCard {...{ client, lines, change, clear }} />
        <Orders client={client} customer={customer} />
      </div>
      <details className="behind">
        <summary>{t('behind')}</summary>
        <ul>
          <li>{t('behindToken', { customer: customer.customerId })}</li>
          <li>{t('behindProducts')}</li>
          <li>{t('behindOrder')}</li>
          <li>{t('behindCheckout')}</li>
        </ul>
      </details>
    </main>
  );
}

function ProductCard({ product, onAdd }: { readonly product: Product; onAdd(): void }) {
  const t = useTexts(texts);
  const { money } = useFormat();
  const { sku, name, unitPrice } = product;
  return (
    <li className="product">
      <Picture sku={sku} />
      <div className="product-text">
        <h2>{name}</h2>
        <p className="number">{money(unitPrice)}</p>
      </div>
      <button type="button" className="button" onClick={onAdd}>
        {t('add')}
        <span className="visually-hidden">: {name}</span>
      </button>
    </li>
  );
}

type BasketProps = {
  readonly client: PaystreamClient;
  readonly lines: readonly BasketLine[];
  change(sku: string, by: number): void;
  clear(): void;
};

function BasketCard({ client, lines, change, clear }: BasketProps) {
  const t = useTexts(texts);
  const { money, number } = useFormat();
  const { place, isPlacing, problem } = usePlacing(client, lines, clear);
  const count = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  return (
    <section className="card" aria-labelledby="basket">
      <div className="card-head">
        <h2 id="basket">{t('basket')}</h2>
        <span className="muted" role="status">
          {count > 0 ? t('inBasket', { count }) : ''}
        </span>
      </div>
      {lines.length === 0 ? (
        <p className="muted">
          {t('empty')} {t('emptyMore')}
        </p>
      ) : (
        <>
          <ul className="basket-lines">
            {lines.map(({ product: { sku, name, unitPrice }, quantity }) => (
              <li key={sku}>
                <span className="basket-name">{name}</span>
                <span className="stepper">
                  <button type="button" aria-label={t('less', { name })} onClick={() => change(sku, -1)}>
                    −
                  </button>
                  <span className="number">{number(quantity)}</span>
                  <button type="button" aria-label={t('one', { name })} onClick={() => change(sku, 1)}>
                    +
                  </button>
                </span>
                <span className="number basket-price">
                  {money({ ...unitPrice, amountMinor: unitPrice.amountMinor * quantity })}
                </span>
              </li>
            ))}
          </ul>
          <p className="basket-total">
            <span>{t('total')}</span>
            <span className="number">{money(totalOf(lines))}</span>
          </p>
          <button type="button" className="button check-out" aria-disabled={isPlacing} onClick={() => void place()}>
            {t(isPlacing ? 'checkingOut' : 'checkOut')}
          </button>
        </>
      )}
      <div role="alert">
        {problem !== null && (
          <p className="problem">
            {t('failed')}: {problem}
          </p>
        )}
      </div>
    </section>
  );
}

/** Creates the order and goes to its checkout. The key belongs to the basket, so a second click makes no second order. */
function usePlacing(client: PaystreamClient, lines: readonly BasketLine[], clear: () => void) {
  const [isPlacing, setPlacing] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  useReturnByHistory(useCallback(() => setPlacing(false), []));
  const content = lines.map(({ product, quantity }) => `${product.sku}*${quantity}`).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another basket is another order
  const idempotencyKey = useMemo(() => crypto.randomUUID(), [content]);
  const place = async () => {
    if (isPlacing || lines.length === 0) return;
    setPlacing(true);
    setProblem(null);
    try {
      const { createOrder } = await client.request(placeOrderOperation, {
        input: {
          ...{ idempotencyKey, currency: totalOf(lines).currency },
          lines: lines.map(({ product: { sku }, quantity }) => ({ sku, quantity })),
        },
      });
      if (createOrder?.__typename === 'Order' && createOrder.clientToken !== null) {
        clear();
        location.assign(checkoutLink(createOrder.id, createOrder.clientToken));
        return;
      }
      const issue = createOrder?.__typename === 'InvalidInputError' ? createOrder.issues[0] : undefined;
      const told = createOrder !== null && 'message' in createOrder ? createOrder.message : '';
      setProblem(issue === undefined ? told : `${issue.path} ${issue.message}`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setPlacing(false);
  };
  return { place, isPlacing, problem };
}
