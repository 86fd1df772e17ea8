-- CreateTable
CREATE TABLE "fleets" (
    "id" BIGINT NOT NULL,
    "name" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "usdot_number" TEXT,
    "main_office" TEXT NOT NULL DEFAULT '',
    "time_zone" TEXT NOT NULL,
    "distance_unit" TEXT NOT NULL DEFAULT 'mi',
    "motion_threshold_kph" DOUBLE PRECISION NOT NULL DEFAULT 8,
    "silent_after_minutes" INTEGER NOT NULL DEFAULT 15,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "fleets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "fleet_members" (
    "fleet_id" BIGINT NOT NULL,
    "user_id" TEXT NOT NULL,

    CONSTRAINT "fleet_members_pkey" PRIMARY KEY ("fleet_id","user_id")
);

-- CreateTable
CREATE TABLE "home_terminals" (
    "fleet_id" BIGINT NOT NULL,
    "id" BIGINT NOT NULL,
    "name" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "latitude" DOUBLE PRECISION NOT NULL,
    "longitude" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "home_terminals_pkey" PRIMARY KEY ("fleet_id","id")
);

-- CreateTable
CREATE TABLE "drivers" (
    "fleet_id" BIGINT NOT NULL,
    "id" BIGINT NOT NULL,
    "name" TEXT NOT NULL,
    "employee_number" TEXT NOT NULL,
    "licence_number" TEXT NOT NULL DEFAULT '',
    "licence_state" TEXT NOT NULL DEFAULT '',
    "home_terminal_id" BIGINT NOT NULL,
    "ruleset" TEXT NOT NULL DEFAULT 'us-property-70-8',
    "day_start_minutes" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "drivers_pkey" PRIMARY KEY ("fleet_id","id")
);

-- CreateTable
CREATE TABLE "vehicles" (
    "fleet_id" BIGINT NOT NULL,
    "id" BIGINT NOT NULL,
    "unit_number" TEXT NOT NULL,
    "make_model" TEXT NOT NULL DEFAULT '',
    "plate" TEXT NOT NULL DEFAULT '',
    "vin" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "vehicles_pkey" PRIMARY KEY ("fleet_id","id")
);

-- CreateTable
CREATE TABLE "devices" (
    "fleet_id" BIGINT NOT NULL,
    "id" BIGINT NOT NULL,
    "name" TEXT NOT NULL,
    "vehicle_id" BIGINT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "devices_pkey" PRIMARY KEY ("fleet_id","id")
);

-- CreateTable
CREATE TABLE "driver_assignments" (
    "fleet_id" BIGINT NOT NULL,
    "vehicle_id" BIGINT NOT NULL,
    "from_at" TIMESTAMPTZ(3) NOT NULL,
    "driver_id" BIGINT NOT NULL,
    "until_at" TIMESTAMPTZ(3),

    CONSTRAINT "driver_assignments_pkey" PRIMARY KEY ("fleet_id","vehicle_id","from_at")
);

-- CreateTable
CREATE TABLE "positions" (
    "fleet_id" BIGINT NOT NULL,
    "device_id" BIGINT NOT NULL,
    "fix_at" TIMESTAMPTZ(3) NOT NULL,
    "digest" INTEGER NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "latitude_e7" INTEGER NOT NULL,
    "longitude_e7" INTEGER NOT NULL,
    "odometer_m" INTEGER,
    "engine_seconds" INTEGER,
    "speed_dkph" SMALLINT,
    "heading_deg" SMALLINT,
    "altitude_m" SMALLINT,
    "accuracy_dm" INTEGER,
    "flags" SMALLINT NOT NULL DEFAULT 0,
    "sequence" BIGINT,
    "attributes" JSONB,

    CONSTRAINT "positions_pkey" PRIMARY KEY ("fleet_id","device_id","fix_at","digest")
) PARTITION BY RANGE ("fix_at");

-- Months are made ahead by server/db/partitions.ts. Every other date, absurd ones among them, goes here.
CREATE TABLE "positions_other" PARTITION OF "positions" DEFAULT;

-- CreateTable
CREATE TABLE "latest_positions" (
    "fleet_id" BIGINT NOT NULL,
    "vehicle_id" BIGINT NOT NULL,
    "device_id" BIGINT NOT NULL,
    "fix_at" TIMESTAMPTZ(3) NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "latitude_e7" INTEGER NOT NULL,
    "longitude_e7" INTEGER NOT NULL,
    "odometer_m" INTEGER,
    "speed_dkph" SMALLINT,
    "heading_deg" SMALLINT,
    "flags" SMALLINT NOT NULL DEFAULT 0,
    "revision" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint,

    CONSTRAINT "latest_positions_pkey" PRIMARY KEY ("fleet_id","vehicle_id")
);

-- CreateTable
CREATE TABLE "vehicle_rechecks" (
    "fleet_id" BIGINT NOT NULL,
    "vehicle_id" BIGINT NOT NULL,
    "from_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "vehicle_rechecks_pkey" PRIMARY KEY ("fleet_id","vehicle_id")
);

-- CreateTable
CREATE TABLE "driving_spans" (
    "fleet_id" BIGINT NOT NULL,
    "vehicle_id" BIGINT NOT NULL,
    "from_at" TIMESTAMPTZ(3) NOT NULL,
    "last_motion_at" TIMESTAMPTZ(3) NOT NULL,
    "until_at" TIMESTAMPTZ(3),

    CONSTRAINT "driving_spans_pkey" PRIMARY KEY ("fleet_id","vehicle_id","from_at")
);

-- CreateTable
CREATE TABLE "vehicle_motion" (
    "fleet_id" BIGINT NOT NULL,
    "vehicle_id" BIGINT NOT NULL,
    "derived_through" TIMESTAMPTZ(3),

    CONSTRAINT "vehicle_motion_pkey" PRIMARY KEY ("fleet_id","vehicle_id")
);

-- CreateTable
CREATE TABLE "duty_events" (
    "fleet_id" BIGINT NOT NULL,
    "driver_id" BIGINT NOT NULL,
    "id" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "status" TEXT NOT NULL,
    "origin" TEXT NOT NULL,
    "vehicle_id" BIGINT,
    "place" TEXT NOT NULL DEFAULT '',
    "annotation" TEXT NOT NULL DEFAULT '',
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "recorded_by" TEXT,

    CONSTRAINT "duty_events_pkey" PRIMARY KEY ("fleet_id","driver_id","id")
);

-- CreateTable
CREATE TABLE "driver_clocks" (
    "fleet_id" BIGINT NOT NULL,
    "driver_id" BIGINT NOT NULL,
    "evaluated_at" TIMESTAMPTZ(3) NOT NULL,
    "status" TEXT NOT NULL,
    "status_since" TIMESTAMPTZ(3) NOT NULL,
    "vehicle_id" BIGINT,
    "clocks" JSONB NOT NULL,
    "violations" JSONB NOT NULL,
    "next_change_at" TIMESTAMPTZ(3),
    "revision" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint,

    CONSTRAINT "driver_clocks_pkey" PRIMARY KEY ("fleet_id","driver_id")
);

-- CreateTable
CREATE TABLE "alerts" (
    "fleet_id" BIGINT NOT NULL,
    "id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "driver_id" BIGINT,
    "vehicle_id" BIGINT,
    "rule" TEXT,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "facts" JSONB NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "acknowledged_at" TIMESTAMPTZ(3),
    "acknowledged_by" TEXT,
    "resolved_at" TIMESTAMPTZ(3),
    "resolved_by" TEXT,
    "revision" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint,

    CONSTRAINT "alerts_pkey" PRIMARY KEY ("fleet_id","id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "email_verified" BOOLEAN NOT NULL DEFAULT false,
    "image" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "token" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "ip_address" TEXT,
    "user_agent" TEXT,
    "user_id" TEXT NOT NULL,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "accounts" (
    "id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "provider_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "access_token" TEXT,
    "refresh_token" TEXT,
    "id_token" TEXT,
    "access_token_expires_at" TIMESTAMPTZ(3),
    "refresh_token_expires_at" TIMESTAMPTZ(3),
    "scope" TEXT,
    "password" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "accounts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "verifications" (
    "id" TEXT NOT NULL,
    "identifier" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "verifications_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "fleets_slug_key" ON "fleets"("slug");

-- CreateIndex
CREATE INDEX "fleet_members_user_id_idx" ON "fleet_members"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "home_terminals_fleet_id_name_key" ON "home_terminals"("fleet_id", "name");

-- CreateIndex
CREATE INDEX "drivers_fleet_id_home_terminal_id_idx" ON "drivers"("fleet_id", "home_terminal_id");

-- CreateIndex
CREATE UNIQUE INDEX "drivers_fleet_id_employee_number_key" ON "drivers"("fleet_id", "employee_number");

-- CreateIndex
CREATE UNIQUE INDEX "vehicles_fleet_id_unit_number_key" ON "vehicles"("fleet_id", "unit_number");

-- CreateIndex
CREATE INDEX "devices_fleet_id_vehicle_id_idx" ON "devices"("fleet_id", "vehicle_id");

-- CreateIndex
CREATE UNIQUE INDEX "devices_fleet_id_name_key" ON "devices"("fleet_id", "name");

-- CreateIndex
CREATE INDEX "driver_assignments_fleet_id_driver_id_from_at_idx" ON "driver_assignments"("fleet_id", "driver_id", "from_at");

-- CreateIndex
CREATE INDEX "latest_positions_fleet_id_revision_idx" ON "latest_positions"("fleet_id", "revision");

-- CreateIndex
CREATE INDEX "duty_events_fleet_id_driver_id_at_idx" ON "duty_events"("fleet_id", "driver_id", "at");

-- CreateIndex
CREATE INDEX "driver_clocks_next_change_at_idx" ON "driver_clocks"("next_change_at");

-- CreateIndex
CREATE INDEX "driver_clocks_fleet_id_revision_idx" ON "driver_clocks"("fleet_id", "revision");

-- CreateIndex
CREATE INDEX "alerts_fleet_id_opened_at_idx" ON "alerts"("fleet_id", "opened_at");

-- CreateIndex
CREATE INDEX "alerts_fleet_id_revision_idx" ON "alerts"("fleet_id", "revision");

-- CreateIndex
CREATE UNIQUE INDEX "alerts_fleet_id_subject_key" ON "alerts"("fleet_id", "subject");

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE UNIQUE INDEX "sessions_token_key" ON "sessions"("token");

-- CreateIndex
CREATE INDEX "sessions_user_id_idx" ON "sessions"("user_id");

-- CreateIndex
CREATE INDEX "accounts_user_id_idx" ON "accounts"("user_id");

-- CreateIndex
CREATE INDEX "verifications_identifier_idx" ON "verifications"("identifier");

-- AddForeignKey
ALTER TABLE "fleet_members" ADD CONSTRAINT "fleet_members_fleet_id_fkey" FOREIGN KEY ("fleet_id") REFERENCES "fleets"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "fleet_members" ADD CONSTRAINT "fleet_members_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "home_terminals" ADD CONSTRAINT "home_terminals_fleet_id_fkey" FOREIGN KEY ("fleet_id") REFERENCES "fleets"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_fleet_id_fkey" FOREIGN KEY ("fleet_id") REFERENCES "fleets"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_fleet_id_home_terminal_id_fkey" FOREIGN KEY ("fleet_id", "home_terminal_id") REFERENCES "home_terminals"("fleet_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "vehicles" ADD CONSTRAINT "vehicles_fleet_id_fkey" FOREIGN KEY ("fleet_id") REFERENCES "fleets"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "devices" ADD CONSTRAINT "devices_fleet_id_vehicle_id_fkey" FOREIGN KEY ("fleet_id", "vehicle_id") REFERENCES "vehicles"("fleet_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "driver_assignments" ADD CONSTRAINT "driver_assignments_fleet_id_vehicle_id_fkey" FOREIGN KEY ("fleet_id", "vehicle_id") REFERENCES "vehicles"("fleet_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "driver_assignments" ADD CONSTRAINT "driver_assignments_fleet_id_driver_id_fkey" FOREIGN KEY ("fleet_id", "driver_id") REFERENCES "drivers"("fleet_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "latest_positions" ADD CONSTRAINT "latest_positions_fleet_id_vehicle_id_fkey" FOREIGN KEY ("fleet_id", "vehicle_id") REFERENCES "vehicles"("fleet_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "driving_spans" ADD CONSTRAINT "driving_spans_fleet_id_vehicle_id_fkey" FOREIGN KEY ("fleet_id", "vehicle_id") REFERENCES "vehicles"("fleet_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "duty_events" ADD CONSTRAINT "duty_events_fleet_id_driver_id_fkey" FOREIGN KEY ("fleet_id", "driver_id") REFERENCES "drivers"("fleet_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "driver_clocks" ADD CONSTRAINT "driver_clocks_fleet_id_driver_id_fkey" FOREIGN KEY ("fleet_id", "driver_id") REFERENCES "drivers"("fleet_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Rewritten with every heartbeat: room on each page keeps the new version beside the old one.
ALTER TABLE "latest_positions" SET (fillfactor = 60);
ALTER TABLE "vehicle_rechecks" SET (fillfactor = 60);
