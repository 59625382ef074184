import { useTexts } from '../shared/preferences.tsx';
import type { OrderShown } from './order-query.ts';
import { orderTexts } from './order-texts.ts';
import { Money, Panel } from './ui.tsx';

export function OrderLines({ order }: { readonly order: OrderShown }) {
  const t = useTexts(orderTexts);
  return (
    <Panel title={t('lines')} isFlush>
      <table className="table lines">
        <thead>
          <tr>
            <th scope="col">{t('item')}</th>
            <th scope="col" className="wide-only right">
              {t('quantity')}
            </th>
            <th scope="col" className="wide-only right">
              {t('price')}
            </th>
            <th scope="col" className="right">
              {t('sum')}
            </th>
          </tr>
        </thead>
        <tbody>
          {order.lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of an order never change
            <tr key={index}>
              <td>
                {line.name}
                {line.sku !== null && <code className="sku">{line.sku}</code>}
                <span className="narrow-only muted">
                  {line.quantity} × <Money value={line.unitPrice} />
                </span>
              </td>
              <td className="wide-only right number">{line.quantity}</td>
              <td className="wide-only right">
                <Money value={line.unitPrice} />
              </td>
              <td className="right">
                <Money value={line.total} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t('total')}</th>
            <td className="wide-only" />
            <td className="wide-only" />
            <td className="right">
              <Money value={order.total} />
            </td>
          </tr>
        </tfoot>
      </table>
    </Panel>
  );
}
