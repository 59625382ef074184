-- Reads the table, and lets readers and writers go on meanwhile.
ALTER TABLE "payments" VALIDATE CONSTRAINT "payments_check_attempts_check";
