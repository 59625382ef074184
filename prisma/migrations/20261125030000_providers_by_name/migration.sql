-- Providers go by name, so that another one is a folder of code and no change of the database.
ALTER TABLE "payments" ALTER COLUMN "provider" TYPE TEXT USING "provider"::text;
ALTER TABLE "deliveries" ALTER COLUMN "provider" TYPE TEXT USING "provider"::text;
ALTER TABLE "rejected_deliveries" ALTER COLUMN "provider" TYPE TEXT USING "provider"::text;
DROP TYPE "Provider";

ALTER TABLE "payments" ADD CONSTRAINT "payments_provider_check" CHECK ("provider" ~ '^[A-Z][A-Z0-9_]{0,31}$');
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_provider_check" CHECK ("provider" ~ '^[A-Z][A-Z0-9_]{0,31}$');
ALTER TABLE "rejected_deliveries" ADD CONSTRAINT "rejected_deliveries_provider_check" CHECK ("provider" ~ '^[A-Z][A-Z0-9_]{0,31}$');
