-- The colour of a merchant's checkout page, as #rrggbb.
ALTER TABLE "merchants" ADD COLUMN     "brand_color" TEXT,
  ADD CONSTRAINT "merchants_brand_color_check" CHECK ("brand_color" ~ '^#[0-9a-f]{6}$');
