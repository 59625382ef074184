-- A check that is brought forward does not use up the schedule of a payment that has ended: -1 is the check before the first one of the schedule.
-- Old rows are looked at by the next migration, so that this one keeps nobody waiting.
ALTER TABLE "payments"
  DROP CONSTRAINT "payments_check_attempts_check",
  ADD CONSTRAINT "payments_check_attempts_check" CHECK ("check_attempts" >= -1) NOT VALID;
