import { upsertProduct } from '../commands/upsert-product.ts';
import { ForbiddenError, InvalidInputError } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { actorOf } from './context.ts';
import { MoneyType } from './money.ts';
import { Node } from './node.ts';
import { type Page, PageInfo, pageComplexity, pageSizeDefault, pageSizeOf } from './page.ts';
import { runAndRead } from './run-and-read.ts';
import { isStaff } from './scope.ts';
import { storable } from './text.ts';

export const Product = builder.prismaObject('Product', {
  description: 'An item of the merchant’s catalogue, from which customers order.',
  interfaces: [Node],
  fields: (t) => ({
    sku: t.exposeString('sku', { description: 'The merchant’s product code, unique per merchant.' }),
    name: t.exposeString('name', { description: 'The display name.' }),
    unitPrice: t.field({
      type: MoneyType,
      description: 'The price of one item.',
      resolve: ({ unitMinor, currency }) => ({ amountMinor: unitMinor, currency }),
    }),
    active: t.exposeBoolean('active', { description: 'False: the product cannot be ordered any more.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time of creation.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'The time of the last change.' }),
  }),
});

type ProductPage = { readonly rows: readonly (typeof Product.$inferType)[]; readonly page: Page };

const ProductConnection = builder.objectRef<ProductPage>('ProductConnection').implement({
  description: 'A page of products.',
  fields: (t) => ({
    nodes: t.field({
      type: [Product],
      complexity: { multiplier: 1 },
      description: 'The products of the page.',
      resolve: ({ rows }) => [...rows],
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'The position of the page in the list.',
      resolve: ({ page }) => page,
    }),
  }),
});

const skuMax = 64;
const cursorOf = (sku: string) => Buffer.from(sku).toString('base64url');
const skuAt = (cursor: string) =>
  storable('after', Buffer.from(cursor.slice(0, 8 * skuMax), 'base64url').toString('utf8'));

builder.queryField('products', (t) =>
  t.field({
    type: ProductConnection,
    nullable: true,
    complexity: pageComplexity,
    description: 'The merchant’s products, sorted by sku. Customers see the active ones.',
    args: {
      first: t.arg.int({ description: 'The page size, 1 to 100. Default: 20.' }),
      after: t.arg.string({ description: 'Return only products after this cursor: an `endCursor`.' }),
      active: t.arg.boolean({ description: 'Return only active products, or only others.' }),
    },
    resolve: async (_root, args, context) => {
      const scope = actorOf(context);
      const size = pageSizeOf('first', args.first) ?? pageSizeDefault;
      const read = await context.commands.db.prisma.product.findMany({
        where: {
          AND: [
            { merchantId: scope.merchantId },
            isStaff(scope) ? {} : { active: true },
            args.active == null ? {} : { active: args.active },
            args.after == null ? {} : { sku: { gt: skuAt(args.after) } },
          ],
        },
        orderBy: { sku: 'asc' },
        take: size + 1,
      });
      const rows = read.slice(0, size);
      const [start, end] = [rows.at(0), rows.at(-1)];
      return {
        rows,
        page: {
          hasNextPage: read.length > size,
          hasPreviousPage: args.after != null,
          startCursor: start === undefined ? null : cursorOf(start.sku),
          endCursor: end === undefined ? null : cursorOf(end.sku),
        },
      };
    },
  }),
);

const UpsertProductInput = builder.inputType('UpsertProductInput', {
  description: 'The product to create or to replace.',
  fields: (t) => ({
    sku: t.string({ required: true, description: 'The merchant’s product code, 1 to 64 characters.' }),
    name: t.string({ required: true, description: 'The display name, 1 to 256 characters.' }),
    unitAmountMinor: t.field({
      type: 'MinorUnits',
      required: true,
      description: 'The price of one item in minor units, at least 1.',
    }),
    currency: t.field({ type: 'CurrencyCode', required: true, description: 'The currency of the price.' }),
    active: t.boolean({ defaultValue: true, description: 'False: the product cannot be ordered any more.' }),
  }),
});

builder.mutationField('upsertProduct', (t) =>
  t.prismaField({
    type: 'Product',
    nullable: true,
    description: 'Creates a product, or replaces the one with the same sku. Orders that exist keep their prices.',
    args: { input: t.arg({ type: UpsertProductInput, required: true, description: 'The product.' }) },
    errors: {
      types: [InvalidInputError, ForbiddenError],
      union: { name: 'UpsertProductResult', description: 'The product, or an error.' },
    },
    resolve: (query, _root, { input }, context) =>
      runAndRead(
        context,
        (commands, actor) => upsertProduct(commands, actor, input),
        (id, merchantId) =>
          context.commands.db.prisma.product.findUniqueOrThrow({ ...query, where: { id, merchantId } }),
      ),
  }),
);
