-- CreateTable
CREATE TABLE "payment_addresses" (
    "payment_id" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payment_addresses_pkey" PRIMARY KEY ("payment_id")
);

-- CreateIndex
CREATE INDEX "payment_addresses_address_created_at_idx" ON "payment_addresses"("address", "created_at");

-- CreateIndex
CREATE INDEX "payment_addresses_created_at_idx" ON "payment_addresses"("created_at");
