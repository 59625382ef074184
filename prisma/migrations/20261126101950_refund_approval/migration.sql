-- CreateEnum
CREATE TYPE "RefundApproval" AS ENUM ('NEEDED', 'APPROVED', 'REJECTED');

-- AlterEnum
ALTER TYPE "EventType" ADD VALUE 'REFUND_APPROVAL_NEEDED';

-- AlterTable
ALTER TABLE "merchants" ADD COLUMN     "refund_limits" JSONB;

-- AlterTable
ALTER TABLE "refunds" ADD COLUMN     "approval" "RefundApproval",
ADD COLUMN     "decided_by_id" TEXT,
ADD COLUMN     "decided_by_kind" "ActorKind",
ADD COLUMN     "requested_by_id" TEXT,
ADD COLUMN     "requested_by_kind" "ActorKind";
