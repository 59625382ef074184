-- Orders are found by the beginning of their number, period by period: see src/store/order-terms.ts. The statement may be repeated, for orders that
-- older nodes have created since.

INSERT INTO "order_terms" ("merchant_id", "term", "created_at", "order_id")
SELECT o."merchant_id", 'b' || floor(extract(epoch FROM o."created_at") / 345600)::int || ':' || o."number", o."created_at", o."id"
FROM "orders" o
ON CONFLICT DO NOTHING;
