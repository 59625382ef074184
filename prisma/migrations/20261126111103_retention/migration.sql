-- AlterTable
ALTER TABLE "deliveries" ADD COLUMN     "pruned_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "idempotency_keys" ADD COLUMN     "needed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- CreateIndex
-- Only the rows that pruning looks for.
CREATE INDEX "deliveries_to_prune_idx" ON "deliveries"("received_at") WHERE "pruned_at" IS NULL AND "status" <> 'PENDING';

-- CreateIndex
CREATE INDEX "idempotency_keys_needed_at_idx" ON "idempotency_keys"("needed_at");
