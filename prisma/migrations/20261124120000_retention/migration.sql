-- For how many months a fleet's positions are kept (server/db/retention.ts). Records of duty are never dropped by it.
-- Less than one would empty the month that is being written.
ALTER TABLE "fleets" ADD COLUMN "keep_positions_months" INTEGER NOT NULL DEFAULT 13
  CONSTRAINT "fleets_keep_positions_months_check" CHECK ("keep_positions_months" BETWEEN 1 AND 1200);

-- In the catch-all a fix says nothing of its age, so retention goes by the receipt. Months have no such index.
CREATE INDEX "positions_other_fleet_number_received_at_idx" ON "positions_other"("fleet_number", "received_at");
