-- AlterTable
ALTER TABLE "merchants" ADD COLUMN     "web_origins" TEXT[] DEFAULT ARRAY[]::TEXT[];

ALTER TABLE "merchants" ADD CONSTRAINT "merchants_web_origins_check" CHECK ("web_origins" IS NOT NULL);
