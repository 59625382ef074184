-- Orders are found by the end of their number, by their total and by any metadata value: see src/store/order-terms.ts.

-- CreateTable
CREATE TABLE "order_terms" (
    "merchant_id" TEXT NOT NULL,
    "term" TEXT COLLATE "C" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "order_id" TEXT NOT NULL,

    CONSTRAINT "order_terms_pkey" PRIMARY KEY ("merchant_id", "term", "created_at", "order_id")
);

INSERT INTO "order_terms" ("merchant_id", "term", "created_at", "order_id")
SELECT o."merchant_id", t."term", o."created_at", o."id" FROM "orders" o CROSS JOIN LATERAL (
  SELECT 'n' || lower(reverse(o."number"))
  UNION SELECT 'a' || lpad(o."total_minor"::text, 16, '0')
  UNION SELECT 'v' || left(encode(sha256(convert_to(lower(m."value"), 'UTF8')), 'hex'), 32)
    FROM jsonb_each_text(o."metadata") m WHERE m."value" <> ''
) t("term");

-- The provider's number comes first, so that a search by it needs no account.
-- DropIndex
DROP INDEX "payments_provider_provider_account_provider_payment_id_idx";

-- CreateIndex
CREATE INDEX "payments_provider_payment_id_provider_provider_account_idx" ON "payments"("provider_payment_id", "provider", "provider_account");
