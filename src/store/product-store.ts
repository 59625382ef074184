import type { Database } from '../database/database.ts';
import type { Product } from '../domain/product.ts';

type Reader = Pick<Database['pool'], 'query'>;

const columns = `
  id, merchant_id as "merchantId", sku, name, unit_minor as "unitMinor", currency, active, created_at as "createdAt",
  updated_at as "updatedAt"`;
const upsertSql = `
  insert into products (id, merchant_id, sku, name, unit_minor, currency, active, created_at, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
  on conflict (merchant_id, sku) do update set name = excluded.name, unit_minor = excluded.unit_minor, currency = excluded.currency,
    active = excluded.active, updated_at = excluded.updated_at
  returning id`;
const countSql = 'select count(*)::int as count from products where merchant_id = $1';
const findSql = `select ${columns} from products where merchant_id = $1 and sku = any($2::text[])`;

/** Creates a product, or replaces the one with the same sku. Returns its id. */
export async function upsertProduct(on: Reader, product: Omit<Product, 'updatedAt'>): Promise<string> {
  const { id, merchantId, sku, name, unitMinor, currency, active, createdAt } = product;
  const values = [id, merchantId, sku, name, unitMinor.toString(), currency, active, createdAt];
  const { rows } = await on.query<{ id: string }>(upsertSql, values);
  const [row] = rows;
  if (row === undefined) throw new Error('An upsert returned no row. This is a bug.');
  return row.id;
}

/** The number of the merchant's products, active or not. */
export async function countProducts(on: Reader, merchantId: string): Promise<number> {
  const { rows } = await on.query<{ count: number }>(countSql, [merchantId]);
  return rows[0]?.count ?? 0;
}

/** The merchant's products with these skus, active or not. */
export async function findProducts(
  on: Reader,
  merchantId: string,
  skus: readonly string[],
): Promise<readonly Product[]> {
  const { rows } = await on.query<Product>(findSql, [merchantId, skus]);
  return rows;
}
