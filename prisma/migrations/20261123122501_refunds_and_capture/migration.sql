-- AlterEnum
ALTER TYPE "EventType" ADD VALUE 'REFUND_PENDING';

-- AlterTable
ALTER TABLE "payments" ADD COLUMN     "capture_attempt" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "capture_minor" BIGINT;

ALTER TABLE "payments"
  ADD CONSTRAINT "payments_capture_minor_check" CHECK ("capture_minor" BETWEEN 1 AND "authorized_minor"),
  ADD CONSTRAINT "payments_capture_attempt_check" CHECK ("capture_attempt" >= 0);

-- An authorization that is voided, or lapses, leaves the order that it had confirmed open again, or closed, when only late money had
-- confirmed it.
DROP TRIGGER "orders_status_follows" ON "orders";
CREATE TRIGGER "orders_status_follows" BEFORE UPDATE ON "orders"
  FOR EACH ROW WHEN (OLD."status" IS DISTINCT FROM NEW."status") EXECUTE FUNCTION "check_status_follows"(
    'OPEN: CLOSING CONFIRMED CANCELED EXPIRED',
    'CLOSING: CANCELED EXPIRED CONFIRMED',
    'CONFIRMED: OPEN CLOSING CANCELED EXPIRED',
    'CANCELED: CONFIRMED',
    'EXPIRED: CONFIRMED'
  );


-- Payments that have ended are asked about again from now on: those of before, too.
UPDATE "payments" SET "check_at" = now(), "check_attempts" = 0
  WHERE "status" IN ('SUCCEEDED', 'CANCELED', 'EXPIRED', 'FAILED') AND "check_at" IS NULL AND "created_at" > now() - interval '40 days';
