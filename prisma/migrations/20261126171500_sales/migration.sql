-- Sums for salesSummary, kept with every change: see src/domain/sales.ts and src/store/sales-store.ts.

-- CreateTable
CREATE TABLE "sales" (
    "merchant_id" TEXT NOT NULL,
    "quarter" TIMESTAMPTZ(3) NOT NULL,
    "method" "PaymentMethod" NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "started" BIGINT NOT NULL,
    "succeeded" BIGINT NOT NULL,
    "failed" BIGINT NOT NULL,
    "captured_minor" BIGINT NOT NULL,
    "refunded_minor" BIGINT NOT NULL,

    CONSTRAINT "sales_pkey" PRIMARY KEY ("merchant_id", "quarter", "method", "currency")
);

-- CreateTable
CREATE TABLE "sales_changes" (
    "id" BIGSERIAL NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "quarter" TIMESTAMPTZ(3) NOT NULL,
    "method" "PaymentMethod" NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "started" BIGINT NOT NULL,
    "succeeded" BIGINT NOT NULL,
    "failed" BIGINT NOT NULL,
    "captured_minor" BIGINT NOT NULL,
    "refunded_minor" BIGINT NOT NULL,

    CONSTRAINT "sales_changes_pkey" PRIMARY KEY ("id")
);

-- The sums of the payments and refunds that exist. No node of an earlier version may write from here on.
LOCK TABLE "payments", "refunds" IN SHARE ROW EXCLUSIVE MODE;

INSERT INTO "sales" ("merchant_id", "quarter", "method", "currency", "started", "succeeded", "failed", "captured_minor", "refunded_minor")
SELECT "merchant_id", date_bin('15 minutes', "at", '2000-01-01T00:00:00Z'), "method", "currency",
  sum("started"), sum("succeeded"), sum("failed"), sum("captured"), sum("refunded")
FROM (
  SELECT "merchant_id", "created_at" AS "at", "method", "currency", 1 AS "started", ("succeeded_at" IS NOT NULL)::int AS "succeeded",
    ("succeeded_at" IS NULL AND "status" IN ('FAILED', 'CANCELED', 'EXPIRED'))::int AS "failed", 0::bigint AS "captured", 0::bigint AS "refunded"
  FROM "payments"
  UNION ALL
  SELECT "merchant_id", "succeeded_at", "method", "currency", 0, 0, 0, "captured_minor", 0 FROM "payments" WHERE "succeeded_at" IS NOT NULL
  UNION ALL
  SELECT r."merchant_id", r."succeeded_at", p."method", r."currency", 0, 0, 0, 0, r."amount_minor"
  FROM "refunds" r JOIN "payments" p ON p."id" = r."payment_id" WHERE r."status" = 'SUCCEEDED' AND r."succeeded_at" IS NOT NULL
) x
GROUP BY 1, 2, 3, 4;
