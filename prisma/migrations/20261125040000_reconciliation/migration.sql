-- A provider's bill of a day is compared with what we hold as moved on that day.
CREATE INDEX "payments_provider_provider_account_succeeded_at_id_idx" ON "payments"("provider", "provider_account", "succeeded_at", "id");
CREATE INDEX "refunds_succeeded_at_id_idx" ON "refunds"("succeeded_at", "id");
