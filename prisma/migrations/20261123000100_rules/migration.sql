-- What the Prisma schema cannot say. The domain decides first; these rules are the last line, for whatever else writes here.
-- A rule broken by a row gives SQLSTATE 23514 with the name of the rule as its constraint.

-- Every id says what it names.
ALTER TABLE "merchants" ADD CONSTRAINT "merchants_id_check" CHECK (starts_with("id", 'mch_'));
ALTER TABLE "orders" ADD CONSTRAINT "orders_id_check" CHECK (starts_with("id", 'ord_'));
ALTER TABLE "payments" ADD CONSTRAINT "payments_id_check" CHECK (starts_with("id", 'pay_'));
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_id_check" CHECK (starts_with("id", 'rfd_'));
ALTER TABLE "events" ADD CONSTRAINT "events_id_check" CHECK (starts_with("id", 'evt_'));

-- Money, in minor units, beside its currency.
ALTER TABLE "orders"
  ADD CONSTRAINT "orders_currency_check" CHECK ("currency" ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT "orders_total_minor_check" CHECK ("total_minor" >= 1),
  ADD CONSTRAINT "orders_authorized_minor_check" CHECK ("authorized_minor" >= 0),
  ADD CONSTRAINT "orders_captured_minor_check" CHECK ("captured_minor" >= 0),
  ADD CONSTRAINT "orders_refunded_minor_check" CHECK ("refunded_minor" >= 0),
  ADD CONSTRAINT "orders_reserved_minor_check" CHECK ("reserved_minor" >= 0),
  -- No upper bound on what is captured: two payments of one order may both succeed, and that must be recorded.
  ADD CONSTRAINT "orders_refunds_within_captured_check" CHECK ("refunded_minor" + "reserved_minor" <= "captured_minor");

ALTER TABLE "order_lines"
  ADD CONSTRAINT "order_lines_currency_check" CHECK ("currency" ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT "order_lines_position_check" CHECK ("position" >= 0),
  ADD CONSTRAINT "order_lines_quantity_check" CHECK ("quantity" BETWEEN 1 AND 999999),
  ADD CONSTRAINT "order_lines_unit_minor_check" CHECK ("unit_minor" >= 0);

ALTER TABLE "payments"
  ADD CONSTRAINT "payments_currency_check" CHECK ("currency" ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT "payments_amount_minor_check" CHECK ("amount_minor" >= 1),
  ADD CONSTRAINT "payments_authorized_minor_check" CHECK ("authorized_minor" >= 0),
  ADD CONSTRAINT "payments_captured_minor_check" CHECK ("captured_minor" >= 0),
  ADD CONSTRAINT "payments_refunded_minor_check" CHECK ("refunded_minor" >= 0),
  ADD CONSTRAINT "payments_reserved_minor_check" CHECK ("reserved_minor" >= 0),
  ADD CONSTRAINT "payments_applied_minor_check" CHECK ("applied_minor" >= 0),
  ADD CONSTRAINT "payments_surplus_minor_check" CHECK ("surplus_minor" >= 0),
  ADD CONSTRAINT "payments_quarantined_minor_check" CHECK ("quarantined_minor" >= 0),
  ADD CONSTRAINT "payments_authorized_within_amount_check" CHECK ("authorized_minor" <= "amount_minor"),
  ADD CONSTRAINT "payments_captured_within_authorized_check" CHECK ("captured_minor" <= "authorized_minor"),
  ADD CONSTRAINT "payments_refunds_within_captured_check" CHECK ("refunded_minor" + "reserved_minor" <= "captured_minor"),
  -- Money is never lost or invented: all of it is applied, on its way back, or in review.
  ADD CONSTRAINT "payments_captured_is_placed_check"
    CHECK ("captured_minor" = "applied_minor" + "surplus_minor" + "quarantined_minor"),
  ADD CONSTRAINT "payments_check_attempts_check" CHECK ("check_attempts" >= 0);

ALTER TABLE "refunds"
  ADD CONSTRAINT "refunds_currency_check" CHECK ("currency" ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT "refunds_amount_minor_check" CHECK ("amount_minor" >= 1),
  ADD CONSTRAINT "refunds_check_attempts_check" CHECK ("check_attempts" >= 0);

ALTER TABLE "events"
  ADD CONSTRAINT "events_currency_check" CHECK ("currency" ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT "events_amount_minor_check" CHECK ("amount_minor" >= 0),
  ADD CONSTRAINT "events_sequence_check" CHECK ("sequence" >= 1),
  ADD CONSTRAINT "events_epoch_check" CHECK ("epoch" >= 1),
  ADD CONSTRAINT "events_changes_check" CHECK (jsonb_typeof("changes") = 'object');

ALTER TABLE "orders"
  ADD CONSTRAINT "orders_version_check" CHECK ("version" >= 1),
  ADD CONSTRAINT "orders_epoch_check" CHECK ("epoch" >= 1),
  ADD CONSTRAINT "orders_metadata_check" CHECK (jsonb_typeof("metadata") = 'object'),
  -- Prisma reads an absent list as an empty one; we keep one way of writing "none".
  ADD CONSTRAINT "orders_review_reasons_check" CHECK ("review_reasons" IS NOT NULL);

ALTER TABLE "merchants" ADD CONSTRAINT "merchants_return_origins_check" CHECK ("return_origins" IS NOT NULL);
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_apply_attempts_check" CHECK ("apply_attempts" >= 0);

ALTER TABLE "log_state"
  ADD CONSTRAINT "log_state_id_check" CHECK ("id" = 1),
  ADD CONSTRAINT "log_state_epoch_check" CHECK ("epoch" >= 1),
  ADD CONSTRAINT "log_state_log_id_check" CHECK ("log_id" <> '');

-- The log is only ever appended to. SQLSTATE 23001, constraint events_append_only.
CREATE FUNCTION "refuse_event_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'events are append-only: % refused', TG_OP
    USING ERRCODE = 'restrict_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER "events_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "events"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_event_change"();

-- Which status may follow which; the same tables stand in src/domain. Each argument is one status and what may follow it.
-- SQLSTATE 23514, constraint <table>_status_follows.
CREATE FUNCTION "check_status_follows"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM unnest(TG_ARGV) AS rule
    WHERE split_part(rule, ': ', 1) = OLD."status"::text
      AND NEW."status"::text = ANY (string_to_array(split_part(rule, ': ', 2), ' '));
  IF NOT FOUND THEN
    RAISE EXCEPTION '% cannot go from % to %', OLD."id", OLD."status", NEW."status"
      USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END
$$;

-- A transaction may take two steps of the domain and writes the row once, with the second: an order without payments closes and is
-- closed; an authorization that comes after its order was closed is voided.
CREATE TRIGGER "orders_status_follows" BEFORE UPDATE ON "orders"
  FOR EACH ROW WHEN (OLD."status" IS DISTINCT FROM NEW."status") EXECUTE FUNCTION "check_status_follows"(
    'OPEN: CLOSING CONFIRMED CANCELED EXPIRED',
    'CLOSING: CANCELED EXPIRED CONFIRMED',
    'CANCELED: CONFIRMED',
    'EXPIRED: CONFIRMED'
  );

CREATE TRIGGER "payments_status_follows" BEFORE UPDATE ON "payments"
  FOR EACH ROW WHEN (OLD."status" IS DISTINCT FROM NEW."status") EXECUTE FUNCTION "check_status_follows"(
    'SUBMITTING: ACTION_REQUIRED PROCESSING UNKNOWN AUTHORIZED SUCCEEDED FAILED CANCELING CANCELED EXPIRED',
    'ACTION_REQUIRED: PROCESSING AUTHORIZED SUCCEEDED FAILED CANCELING CANCELED EXPIRED',
    'PROCESSING: ACTION_REQUIRED AUTHORIZED SUCCEEDED FAILED CANCELING CANCELED EXPIRED',
    'UNKNOWN: ACTION_REQUIRED PROCESSING AUTHORIZED SUCCEEDED FAILED CANCELING CANCELED EXPIRED',
    'AUTHORIZED: SUCCEEDED CANCELING CANCELED EXPIRED',
    'CANCELING: CANCELED EXPIRED SUCCEEDED FAILED',
    'FAILED: AUTHORIZED SUCCEEDED CANCELING',
    'CANCELED: AUTHORIZED SUCCEEDED CANCELING',
    'EXPIRED: AUTHORIZED SUCCEEDED CANCELING'
  );

CREATE TRIGGER "refunds_status_follows" BEFORE UPDATE ON "refunds"
  FOR EACH ROW WHEN (OLD."status" IS DISTINCT FROM NEW."status") EXECUTE FUNCTION "check_status_follows"(
    'PENDING: UNKNOWN SUCCEEDED FAILED',
    'UNKNOWN: PENDING SUCCEEDED FAILED',
    'SUCCEEDED: FAILED',
    'FAILED: SUCCEEDED'
  );
