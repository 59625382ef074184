-- CreateEnum
CREATE TYPE "OrderStatus" AS ENUM ('OPEN', 'CLOSING', 'CONFIRMED', 'CANCELED', 'EXPIRED');

-- CreateEnum
CREATE TYPE "OrderPaymentStatus" AS ENUM ('UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED');

-- CreateEnum
CREATE TYPE "CaptureMode" AS ENUM ('AUTOMATIC', 'MANUAL');

-- CreateEnum
CREATE TYPE "CloseTarget" AS ENUM ('CANCELED', 'EXPIRED');

-- CreateEnum
CREATE TYPE "LatePaymentPolicy" AS ENUM ('ACCEPT', 'REFUND', 'REVIEW');

-- CreateEnum
CREATE TYPE "ReviewReason" AS ENUM ('LATE_PAYMENT', 'SURPLUS', 'AMOUNT_MISMATCH', 'STUCK_UNKNOWN', 'REFUND_ABNORMAL');

-- CreateEnum
CREATE TYPE "PaymentMethod" AS ENUM ('CARD', 'ALIPAY', 'WECHAT_PAY');

-- CreateEnum
CREATE TYPE "PaymentFlow" AS ENUM ('REDIRECT', 'QR_CODE', 'MOBILE_WEB', 'IN_APP', 'EMBEDDED');

-- CreateEnum
CREATE TYPE "PaymentStatus" AS ENUM ('SUBMITTING', 'ACTION_REQUIRED', 'PROCESSING', 'UNKNOWN', 'AUTHORIZED', 'SUCCEEDED', 'CANCELING', 'CANCELED', 'EXPIRED', 'FAILED');

-- CreateEnum
CREATE TYPE "RefundStatus" AS ENUM ('PENDING', 'UNKNOWN', 'SUCCEEDED', 'FAILED');

-- CreateEnum
CREATE TYPE "RefundOrigin" AS ENUM ('REQUESTED', 'SURPLUS', 'PROVIDER');

-- CreateEnum
CREATE TYPE "EvidenceSource" AS ENUM ('RESPONSE', 'CALLBACK', 'QUERY', 'RECONCILIATION', 'OPERATOR');

-- CreateEnum
CREATE TYPE "EventType" AS ENUM ('ORDER_CREATED', 'ORDER_CONFIRMED', 'ORDER_CLOSING', 'ORDER_CANCELED', 'ORDER_EXPIRED', 'ORDER_REVIEW_NEEDED', 'ORDER_REVIEW_RESOLVED', 'PAYMENT_STARTED', 'PAYMENT_ACTION_REQUIRED', 'PAYMENT_PROCESSING', 'PAYMENT_UNKNOWN', 'PAYMENT_AUTHORIZED', 'PAYMENT_SUCCEEDED', 'PAYMENT_FAILED', 'PAYMENT_CANCELING', 'PAYMENT_CANCELED', 'PAYMENT_EXPIRED', 'REFUND_REQUESTED', 'REFUND_UNKNOWN', 'REFUND_SUCCEEDED', 'REFUND_FAILED');

-- CreateEnum
CREATE TYPE "Provider" AS ENUM ('STRIPE', 'ALIPAY', 'WECHATPAY');

-- CreateEnum
CREATE TYPE "DeliveryStatus" AS ENUM ('PENDING', 'APPLIED', 'IGNORED', 'REVIEW');

-- CreateTable
CREATE TABLE "merchants" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "late_payment_policy" "LatePaymentPolicy" NOT NULL DEFAULT 'ACCEPT',
    "return_origins" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "merchants_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "orders" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "number" TEXT NOT NULL,
    "status" "OrderStatus" NOT NULL,
    "payment_status" "OrderPaymentStatus" NOT NULL,
    "capture_mode" "CaptureMode" NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "total_minor" BIGINT NOT NULL,
    "authorized_minor" BIGINT NOT NULL,
    "captured_minor" BIGINT NOT NULL,
    "refunded_minor" BIGINT NOT NULL,
    "reserved_minor" BIGINT NOT NULL,
    "customer_id" TEXT,
    "description" TEXT,
    "metadata" JSONB NOT NULL,
    "review_reasons" "ReviewReason"[],
    "close_target" "CloseTarget",
    "cancel_reason" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "xid" BIGINT NOT NULL,
    "due_at" TIMESTAMPTZ(3),

    CONSTRAINT "orders_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "order_lines" (
    "order_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "sku" TEXT,
    "name" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "unit_minor" BIGINT NOT NULL,

    CONSTRAINT "order_lines_pkey" PRIMARY KEY ("order_id","position")
);

-- CreateTable
CREATE TABLE "payments" (
    "id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "method" "PaymentMethod" NOT NULL,
    "flow" "PaymentFlow" NOT NULL,
    "provider" "Provider" NOT NULL,
    "provider_account" TEXT NOT NULL,
    "status" "PaymentStatus" NOT NULL,
    "capture_mode" "CaptureMode" NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount_minor" BIGINT NOT NULL,
    "authorized_minor" BIGINT NOT NULL,
    "captured_minor" BIGINT NOT NULL,
    "refunded_minor" BIGINT NOT NULL,
    "reserved_minor" BIGINT NOT NULL,
    "applied_minor" BIGINT NOT NULL,
    "surplus_minor" BIGINT NOT NULL,
    "quarantined_minor" BIGINT NOT NULL,
    "late" BOOLEAN NOT NULL,
    "close_target" "CloseTarget",
    "return_url" TEXT,
    "open_id" TEXT,
    "buyer_ip" TEXT,
    "description" TEXT,
    "provider_payment_id" TEXT,
    "failure_reason" TEXT,
    "failure_message" TEXT,
    "failure_provider_code" TEXT,
    "failure_attempt" TEXT,
    "evidence_source" "EvidenceSource",
    "evidence_provider_time" TIMESTAMPTZ(3),
    "evidence_received_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "succeeded_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "next_action" JSONB,
    "provider_reference" TEXT,
    "check_at" TIMESTAMPTZ(3),
    "check_attempts" INTEGER NOT NULL,
    "leased_until" TIMESTAMPTZ(3),
    "asked_at" TIMESTAMPTZ(3),
    "hinted_at" TIMESTAMPTZ(3),

    CONSTRAINT "payments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refunds" (
    "id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "payment_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "status" "RefundStatus" NOT NULL,
    "origin" "RefundOrigin" NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount_minor" BIGINT NOT NULL,
    "reason" TEXT,
    "provider_refund_id" TEXT,
    "failure_reason" TEXT,
    "failure_message" TEXT,
    "failure_provider_code" TEXT,
    "evidence_source" "EvidenceSource",
    "evidence_provider_time" TIMESTAMPTZ(3),
    "evidence_received_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "succeeded_at" TIMESTAMPTZ(3),
    "check_at" TIMESTAMPTZ(3),
    "check_attempts" INTEGER NOT NULL,
    "leased_until" TIMESTAMPTZ(3),

    CONSTRAINT "refunds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "events" (
    "id" TEXT NOT NULL,
    "pos" BIGSERIAL NOT NULL,
    "epoch" INTEGER NOT NULL,
    "xid" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint,
    "merchant_id" TEXT NOT NULL,
    "order_id" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "type" "EventType" NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "order_number" TEXT NOT NULL,
    "order_status" "OrderStatus" NOT NULL,
    "order_payment_status" "OrderPaymentStatus" NOT NULL,
    "payment_id" TEXT,
    "payment_status" "PaymentStatus",
    "payment_method" "PaymentMethod",
    "refund_id" TEXT,
    "refund_status" "RefundStatus",
    "amount_minor" BIGINT,
    "currency" CHAR(3) NOT NULL,
    "changes" JSONB NOT NULL,

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "merchant_id" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "result_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("merchant_id","operation","key")
);

-- CreateTable
CREATE TABLE "deliveries" (
    "id" TEXT NOT NULL DEFAULT (gen_random_uuid())::text,
    "provider" "Provider" NOT NULL,
    "provider_account" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "headers" JSONB NOT NULL,
    "body" BYTEA NOT NULL,
    "status" "DeliveryStatus" NOT NULL,
    "reason" TEXT,
    "payment_id" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "applied_at" TIMESTAMPTZ(3),
    "apply_at" TIMESTAMPTZ(3),
    "apply_attempts" INTEGER NOT NULL,

    CONSTRAINT "deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rejected_deliveries" (
    "id" TEXT NOT NULL DEFAULT (gen_random_uuid())::text,
    "provider" "Provider" NOT NULL,
    "reason" TEXT NOT NULL,
    "headers" JSONB NOT NULL,
    "body" BYTEA NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "rejected_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "log_state" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "log_id" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "system_identifier" TEXT NOT NULL,

    CONSTRAINT "log_state_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "orders_merchant_id_id_idx" ON "orders"("merchant_id", "id");

-- CreateIndex
CREATE INDEX "orders_merchant_id_customer_id_id_idx" ON "orders"("merchant_id", "customer_id", "id");

-- CreateIndex
CREATE INDEX "orders_merchant_id_number_prefix_idx" ON "orders"("merchant_id", "number" text_pattern_ops);

-- CreateIndex
CREATE INDEX "orders_due_at_idx" ON "orders"("due_at");

-- CreateIndex
CREATE UNIQUE INDEX "orders_merchant_id_number_key" ON "orders"("merchant_id", "number");

-- CreateIndex
CREATE INDEX "payments_order_id_idx" ON "payments"("order_id");

-- CreateIndex
CREATE INDEX "payments_provider_provider_account_provider_payment_id_idx" ON "payments"("provider", "provider_account", "provider_payment_id");

-- CreateIndex
CREATE INDEX "payments_check_at_idx" ON "payments"("check_at");

-- CreateIndex
CREATE INDEX "refunds_order_id_idx" ON "refunds"("order_id");

-- CreateIndex
CREATE INDEX "refunds_payment_id_idx" ON "refunds"("payment_id");

-- CreateIndex
CREATE INDEX "refunds_check_at_idx" ON "refunds"("check_at");

-- CreateIndex
CREATE INDEX "events_epoch_xid_pos_idx" ON "events"("epoch", "xid", "pos");

-- CreateIndex
CREATE INDEX "events_merchant_id_epoch_xid_pos_idx" ON "events"("merchant_id", "epoch", "xid", "pos");

-- CreateIndex
CREATE UNIQUE INDEX "events_order_id_sequence_key" ON "events"("order_id", "sequence");

-- CreateIndex
CREATE INDEX "deliveries_apply_at_idx" ON "deliveries"("apply_at");

-- CreateIndex
CREATE UNIQUE INDEX "deliveries_provider_provider_account_event_id_key" ON "deliveries"("provider", "provider_account", "event_id");

-- CreateIndex
CREATE INDEX "rejected_deliveries_provider_received_at_idx" ON "rejected_deliveries"("provider", "received_at");

-- AddForeignKey
ALTER TABLE "orders" ADD CONSTRAINT "orders_merchant_id_fkey" FOREIGN KEY ("merchant_id") REFERENCES "merchants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_lines" ADD CONSTRAINT "order_lines_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payments" ADD CONSTRAINT "payments_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payments"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "events" ADD CONSTRAINT "events_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
