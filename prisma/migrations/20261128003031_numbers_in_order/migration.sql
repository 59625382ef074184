-- The old index is dropped last: that keeps readers out, and lasts a moment.

-- CreateIndex
CREATE INDEX "orders_merchant_id_created_at_id_number_idx" ON "orders"("merchant_id", "created_at", "id", "number");

-- DropIndex
DROP INDEX "orders_merchant_id_created_at_id_idx";
