-- CreateTable
CREATE TABLE "trace_contexts" (
    "subject_id" TEXT NOT NULL,
    "traceparent" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "trace_contexts_pkey" PRIMARY KEY ("subject_id"),
    CONSTRAINT "trace_contexts_traceparent_check" CHECK ("traceparent" ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$')
);

-- CreateIndex
CREATE INDEX "trace_contexts_created_at_idx" ON "trace_contexts"("created_at");

-- CreateIndex
-- Only the payments that metrics count.
CREATE INDEX "payments_unknown_idx" ON "payments"("created_at") WHERE "status" = 'UNKNOWN';
