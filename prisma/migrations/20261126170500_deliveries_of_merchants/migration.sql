-- Merchants read their callbacks: see src/store/delivery-list.ts.

-- AlterTable
ALTER TABLE "deliveries" ADD COLUMN     "merchant_id" TEXT;

-- A TypeID of the same 128 bits: 26 digits to the base 32.
CREATE FUNCTION "delivery_id_of"("id" UUID) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$
  SELECT 'dlv_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', substr(b.bits, n * 5 + 1, 5)::bit(5)::int + 1, 1), '' ORDER BY n)
  FROM (SELECT '00' || ('x' || replace("id"::text, '-', ''))::bit(128)::text AS bits) b, generate_series(0, 25) n
$$;

-- Ids as those of all other objects, and the merchant: of the payment, of the stored account, or the one of the environment's accounts.
UPDATE "deliveries" d SET
  "id" = CASE WHEN d."id" LIKE 'dlv\_%' THEN d."id" ELSE "delivery_id_of"(d."id"::uuid) END,
  "merchant_id" = coalesce(
    (SELECT p."merchant_id" FROM "payments" p WHERE p."id" = d."payment_id"),
    (SELECT a."merchant_id" FROM "provider_accounts" a WHERE a."provider" = d."provider" AND a."account" = d."provider_account"),
    (SELECT m."id" FROM "merchants" m WHERE m."uses_environment_accounts" ORDER BY m."id" LIMIT 1)
  );

DROP FUNCTION "delivery_id_of";

-- CreateIndex
CREATE INDEX "deliveries_merchant_id_provider_status_received_at_id_idx"
  ON "deliveries"("merchant_id", "provider", "status", "received_at", "id");
CREATE INDEX "deliveries_payment_id_received_at_id_idx" ON "deliveries"("payment_id", "received_at", "id") WHERE "payment_id" IS NOT NULL;
CREATE INDEX "merchants_uses_environment_accounts_idx" ON "merchants"("uses_environment_accounts") WHERE "uses_environment_accounts";
