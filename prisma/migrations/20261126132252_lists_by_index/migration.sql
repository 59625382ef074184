-- Lists of orders are sorted by (created_at, id), and each filter has an index in this order.

-- DropIndex
DROP INDEX "orders_merchant_id_customer_id_id_idx";
DROP INDEX "orders_merchant_id_id_idx";
DROP INDEX "orders_merchant_id_number_prefix_idx";
DROP INDEX "orders_merchant_id_number_key";

-- CreateIndex
-- Unique and for prefix search, in one index.
CREATE UNIQUE INDEX "orders_merchant_id_number_key" ON "orders"("merchant_id", "number" text_pattern_ops);
CREATE INDEX "orders_merchant_id_created_at_id_idx" ON "orders"("merchant_id", "created_at", "id");
CREATE INDEX "orders_merchant_id_customer_id_created_at_id_idx" ON "orders"("merchant_id", "customer_id", "created_at", "id")
  WHERE "customer_id" IS NOT NULL;
-- For the currency, the statuses and the review, in any combination.
CREATE INDEX "orders_state_idx"
  ON "orders"("merchant_id", "currency", "status", "payment_status", (cardinality("review_reasons") > 0), "created_at", "id");
CREATE INDEX "events_merchant_id_type_epoch_xid_pos_idx" ON "events"("merchant_id", "type", "epoch", "xid", "pos");

-- AlterTable
ALTER TABLE "payments" ADD COLUMN     "order_created_at" TIMESTAMPTZ(3);

-- Copies the time of the order. A writer that knows it may state it, which saves the lookup.
CREATE FUNCTION "copy_order_created_at"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT "created_at" INTO NEW."order_created_at" FROM "orders" WHERE "id" = NEW."order_id";
  RETURN NEW;
END
$$;

CREATE TRIGGER "payments_order_created_at" BEFORE INSERT ON "payments"
  FOR EACH ROW WHEN (NEW."order_created_at" IS NULL) EXECUTE FUNCTION "copy_order_created_at"();

UPDATE "payments" p SET "order_created_at" = o."created_at" FROM "orders" o WHERE o."id" = p."order_id";

CREATE INDEX "payments_merchant_id_method_order_created_at_order_id_idx"
  ON "payments"("merchant_id", "method", "order_created_at", "order_id");
