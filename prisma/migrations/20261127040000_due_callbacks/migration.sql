-- DropIndex
DROP INDEX "deliveries_apply_at_idx";

-- CreateIndex
-- Only callbacks that wait, by account: a claim reads the callbacks that it takes, however many wait or are done.
CREATE INDEX "deliveries_due_idx" ON "deliveries"("provider", "provider_account", "apply_at") WHERE "apply_at" IS NOT NULL;
