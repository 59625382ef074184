-- Lists of payments and refunds: see src/store/payment-list.ts and src/store/refund-list.ts.

-- CreateIndex
-- For the currency, the method and the status, in any combination.
CREATE INDEX "payments_merchant_id_currency_method_status_created_at_id_idx"
  ON "payments"("merchant_id", "currency", "method", "status", "created_at", "id");
CREATE INDEX "payments_merchant_id_succeeded_at_id_idx" ON "payments"("merchant_id", "succeeded_at", "id")
  WHERE "succeeded_at" IS NOT NULL;
CREATE INDEX "refunds_merchant_id_currency_status_created_at_id_idx"
  ON "refunds"("merchant_id", "currency", "status", "created_at", "id");
CREATE INDEX "refunds_merchant_id_created_at_id_idx" ON "refunds"("merchant_id", "created_at", "id") WHERE "approval" IS NOT NULL;
