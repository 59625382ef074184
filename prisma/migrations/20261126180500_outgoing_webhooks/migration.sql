-- CreateEnum
CREATE TYPE "WebhookEndpointStatus" AS ENUM ('ACTIVE', 'PAUSED');

-- CreateEnum
CREATE TYPE "WebhookPauseReason" AS ENUM ('REQUESTED', 'FAILING', 'GONE');

-- CreateEnum
CREATE TYPE "WebhookMessageStatus" AS ENUM ('PENDING', 'DELIVERED', 'FAILED');

-- CreateTable
CREATE TABLE "webhook_endpoints" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "description" TEXT,
    "event_types" "EventType"[],
    "ordered" BOOLEAN NOT NULL,
    "status" "WebhookEndpointStatus" NOT NULL,
    "pause_reason" "WebhookPauseReason",
    "paused_at" TIMESTAMPTZ(3),
    "secrets" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "previous_secret_until" TIMESTAMPTZ(3),
    "epoch" INTEGER NOT NULL,
    "xid" BIGINT NOT NULL,
    "pos" BIGINT NOT NULL,
    "due_at" TIMESTAMPTZ(3),
    "lease_id" TEXT,
    "leased_until" TIMESTAMPTZ(3),
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failing_since" TIMESTAMPTZ(3),
    "retry_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_messages" (
    "endpoint_id" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "xid" BIGINT NOT NULL,
    "pos" BIGINT NOT NULL,
    "event_type" "EventType" NOT NULL,
    "status" "WebhookMessageStatus" NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "first_attempt_at" TIMESTAMPTZ(3),
    "next_attempt_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "delivered_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_messages_pkey" PRIMARY KEY ("endpoint_id","event_id")
);

-- CreateTable
CREATE TABLE "webhook_attempts" (
    "id" TEXT NOT NULL,
    "endpoint_id" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "request_headers" JSONB NOT NULL,
    "request_body" TEXT NOT NULL,
    "response_status" INTEGER,
    "response_body" TEXT,
    "error" TEXT,
    "attempted_at" TIMESTAMPTZ(3) NOT NULL,
    "duration_ms" INTEGER NOT NULL,

    CONSTRAINT "webhook_attempts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_replays" (
    "id" TEXT NOT NULL,
    "endpoint_id" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "xid" BIGINT NOT NULL,
    "pos" BIGINT NOT NULL,
    "until_epoch" INTEGER NOT NULL,
    "until_xid" BIGINT NOT NULL,
    "until_pos" BIGINT NOT NULL,
    "occurred_from" TIMESTAMPTZ(3),
    "occurred_before" TIMESTAMPTZ(3),
    "events" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_replays_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "webhook_endpoints_merchant_id_idx" ON "webhook_endpoints"("merchant_id");

-- CreateIndex
CREATE INDEX "webhook_endpoints_due_idx" ON "webhook_endpoints"("due_at") WHERE "status" = 'ACTIVE';

-- CreateIndex
CREATE INDEX "webhook_messages_endpoint_id_epoch_xid_pos_idx" ON "webhook_messages"("endpoint_id", "epoch", "xid", "pos");

-- CreateIndex
CREATE INDEX "webhook_messages_due_idx" ON "webhook_messages"("endpoint_id", "next_attempt_at") WHERE "status" = 'PENDING';

-- CreateIndex
CREATE INDEX "webhook_messages_open_idx" ON "webhook_messages"("endpoint_id", "order_id", "sequence") WHERE "status" <> 'DELIVERED';

-- CreateIndex
CREATE INDEX "webhook_messages_to_prune_idx" ON "webhook_messages"("delivered_at") WHERE "status" = 'DELIVERED';

-- CreateIndex
CREATE INDEX "webhook_attempts_endpoint_id_event_id_id_idx" ON "webhook_attempts"("endpoint_id", "event_id", "id");

-- CreateIndex
CREATE INDEX "webhook_attempts_endpoint_id_id_idx" ON "webhook_attempts"("endpoint_id", "id");

-- CreateIndex
CREATE INDEX "webhook_attempts_attempted_at_idx" ON "webhook_attempts"("attempted_at");

-- CreateIndex
CREATE INDEX "webhook_replays_endpoint_id_id_idx" ON "webhook_replays"("endpoint_id", "id");

-- AddForeignKey
ALTER TABLE "webhook_endpoints" ADD CONSTRAINT "webhook_endpoints_merchant_id_fkey" FOREIGN KEY ("merchant_id") REFERENCES "merchants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_messages" ADD CONSTRAINT "webhook_messages_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_attempts" ADD CONSTRAINT "webhook_attempts_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_replays" ADD CONSTRAINT "webhook_replays_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Endpoints hold an id of their kind, say why they are paused, and are due only while they are active.
ALTER TABLE "webhook_endpoints"
  ADD CONSTRAINT "webhook_endpoints_id_check" CHECK (starts_with("id", 'whe_')),
  ADD CONSTRAINT "webhook_endpoints_status_check" CHECK (
    ("status" = 'PAUSED') = ("pause_reason" IS NOT NULL) AND ("status" = 'PAUSED') = ("paused_at" IS NOT NULL)
    AND ("status" = 'ACTIVE' OR "due_at" IS NULL)
  );

-- Only a message that is PENDING has a next attempt, and only a delivered one the time of its delivery.
ALTER TABLE "webhook_messages"
  ADD CONSTRAINT "webhook_messages_status_check" CHECK (
    ("status" = 'PENDING' OR "next_attempt_at" IS NULL) AND ("status" = 'DELIVERED') = ("delivered_at" IS NOT NULL)
  );
