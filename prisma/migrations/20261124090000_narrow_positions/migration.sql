-- The time of a fix in `positions`: seconds since 2000-01-01T00:00Z and milliseconds (server/db/fix-time.ts).
CREATE FUNCTION fix_second("at" TIMESTAMPTZ) RETURNS INTEGER LANGUAGE SQL IMMUTABLE PARALLEL SAFE
  RETURN (floor(extract(epoch FROM "at")) - 946684800)::INTEGER;
CREATE FUNCTION fix_at("second" INTEGER, "ms" SMALLINT) RETURNS TIMESTAMPTZ LANGUAGE SQL IMMUTABLE PARALLEL SAFE
  RETURN '2000-01-01T00:00:00Z'::TIMESTAMPTZ + "second" * INTERVAL '1 second' + "ms" * INTERVAL '1 millisecond';

-- Four bytes that name a fleet or a device, for the one table that has a row for every heartbeat.
ALTER TABLE "fleets" ADD COLUMN "number" SERIAL NOT NULL;
CREATE UNIQUE INDEX "fleets_number_key" ON "fleets"("number");

ALTER TABLE "devices" ADD COLUMN "number" SERIAL NOT NULL;
ALTER TABLE "devices" ADD COLUMN "protocol" TEXT NOT NULL DEFAULT 'json';
ALTER TABLE "devices" ADD COLUMN "identity" TEXT;
ALTER TABLE "devices" ADD COLUMN "open" BOOLEAN NOT NULL DEFAULT false;
CREATE UNIQUE INDEX "devices_number_key" ON "devices"("number");
CREATE UNIQUE INDEX "devices_protocol_identity_key" ON "devices"("protocol", "identity");

-- The columns stand in the order of their width, so that none is padded. The key is short enough (16 bytes at most) for
-- PostgreSQL to fill the pages of each device, which goes on at their end, instead of splitting them in halves.
ALTER TABLE "positions" RENAME TO "positions_before";
ALTER TABLE "positions_before" RENAME CONSTRAINT "positions_pkey" TO "positions_before_pkey";
ALTER TABLE "positions_other" RENAME TO "positions_before_other";
ALTER TABLE "positions_before_other" RENAME CONSTRAINT "positions_other_pkey" TO "positions_before_other_pkey";

CREATE TABLE "positions" (
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "fleet_number" INTEGER NOT NULL,
    "device_number" INTEGER NOT NULL,
    "fix_second" INTEGER NOT NULL,
    "digest" INTEGER NOT NULL,
    "latitude_e7" INTEGER,
    "longitude_e7" INTEGER,
    "speed_ckph" INTEGER,
    "odometer_m" INTEGER,
    "fix_ms" SMALLINT NOT NULL,
    "heading_deg" SMALLINT,
    "flags" SMALLINT NOT NULL DEFAULT 0,
    "altitude_m" SMALLINT,
    "accuracy_dm" INTEGER,
    "engine_seconds" INTEGER,
    "sequence" BIGINT,
    "sent_at" TIMESTAMPTZ(3),
    "attributes" JSONB,

    CONSTRAINT "positions_pkey" PRIMARY KEY ("device_number","fix_second","digest")
) PARTITION BY RANGE ("fix_second");

-- Months are made ahead by server/db/partitions.ts. Every other date, absurd ones among them, goes here.
CREATE TABLE "positions_other" PARTITION OF "positions" DEFAULT;

INSERT INTO "positions" ("fix_second", "fix_ms", "received_at", "fleet_number", "device_number", "digest", "latitude_e7", "longitude_e7",
  "speed_ckph", "odometer_m", "heading_deg", "flags", "altitude_m", "accuracy_dm", "engine_seconds", "sequence", "attributes")
SELECT fix_second(p."fix_at"), (extract(epoch from p."fix_at") * 1000)::int8 % 1000,
  p."received_at", f."number", d."number", p."digest", p."latitude_e7", p."longitude_e7",
  p."speed_dkph" * 10, p."odometer_m", p."heading_deg", p."flags", p."altitude_m", p."accuracy_dm", p."engine_seconds",
  p."sequence", p."attributes"
FROM "positions_before" p
JOIN "fleets" f ON f."id" = p."fleet_id"
JOIN "devices" d ON d."fleet_id" = p."fleet_id" AND d."id" = p."device_id";

DROP TABLE "positions_before";

ALTER TABLE "latest_positions" ADD COLUMN "speed_ckph" INTEGER;
UPDATE "latest_positions" SET "speed_ckph" = "speed_dkph" * 10;
ALTER TABLE "latest_positions" DROP COLUMN "speed_dkph";
