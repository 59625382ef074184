-- AlterTable
ALTER TABLE "rejected_deliveries" ADD COLUMN     "slot" TEXT;

-- CreateIndex
CREATE UNIQUE INDEX "rejected_deliveries_provider_slot_key" ON "rejected_deliveries"("provider", "slot");
