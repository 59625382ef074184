-- AlterEnum
ALTER TYPE "EventType" ADD VALUE 'PAYMENT_CAPTURE_FAILED';

-- AlterTable
ALTER TABLE "idempotency_keys" ADD COLUMN     "attempt" INTEGER;

-- AlterTable
ALTER TABLE "payments" ADD COLUMN     "refused_captures" INTEGER[] DEFAULT ARRAY[]::INTEGER[];

-- Prisma reads an absent list as an empty one; we keep one way of writing "none".
ALTER TABLE "payments" ADD CONSTRAINT "payments_refused_captures_check" CHECK ("refused_captures" IS NOT NULL);
