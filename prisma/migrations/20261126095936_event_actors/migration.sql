-- CreateEnum
CREATE TYPE "ActorKind" AS ENUM ('MERCHANT', 'OPERATOR', 'CUSTOMER', 'BUYER', 'PROVIDER', 'SYSTEM');

-- AlterTable
ALTER TABLE "events" ADD COLUMN     "actor_id" TEXT,
ADD COLUMN     "actor_kind" "ActorKind";

-- AlterTable
ALTER TABLE "idempotency_keys" DROP CONSTRAINT "idempotency_keys_pkey",
ADD COLUMN     "owner" TEXT NOT NULL DEFAULT '',
ADD CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("merchant_id", "owner", "operation", "key");
