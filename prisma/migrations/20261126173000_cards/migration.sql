-- The brand and the last four digits of the card of a payment, as the provider says.
ALTER TABLE "payments" ADD COLUMN     "card_brand" TEXT,
ADD COLUMN     "card_last4" TEXT,
  ADD CONSTRAINT "payments_card_last4_check" CHECK ("card_last4" ~ '^[0-9]{4}$');
