-- Trips, stops and silences of a vehicle, derived from its positions and written again where a late one changes them.
alter table fleets
  add column trip_standstill_minutes integer not null default 5,
  add column trip_minimum_meters integer not null default 300,
  add column trip_gap_minutes integer not null default 45;

create table trips (
  fleet_id bigint not null,
  vehicle_id bigint not null,
  started_at timestamptz(3) not null,
  ended_at timestamptz(3) not null,
  start_latitude_e7 integer not null,
  start_longitude_e7 integer not null,
  end_latitude_e7 integer not null,
  end_longitude_e7 integer not null,
  starts_by text not null,
  ends_by text not null,
  distance_m integer not null,
  odometer_share_m integer not null,
  moving_ms bigint not null,
  max_speed_ckph integer,
  points integer not null,
  version bigint not null default (pg_current_xact_id()::text)::bigint,
  constraint trips_pkey primary key (fleet_id, vehicle_id, started_at),
  constraint trips_fleet_id_vehicle_id_fkey foreign key (fleet_id, vehicle_id)
    references vehicles (fleet_id, id) on delete cascade on update cascade
);
create index trips_fleet_id_started_at_idx on trips (fleet_id, started_at);

create table stops (
  fleet_id bigint not null,
  vehicle_id bigint not null,
  started_at timestamptz(3) not null,
  ended_at timestamptz(3) not null,
  latitude_e7 integer not null,
  longitude_e7 integer not null,
  starts_by text not null,
  ends_by text not null,
  longest_silence_ms bigint not null,
  points integer not null,
  start_firm_after timestamptz(3),
  end_firm_before timestamptz(3),
  version bigint not null default (pg_current_xact_id()::text)::bigint,
  constraint stops_pkey primary key (fleet_id, vehicle_id, started_at),
  constraint stops_fleet_id_vehicle_id_fkey foreign key (fleet_id, vehicle_id)
    references vehicles (fleet_id, id) on delete cascade on update cascade
);

create table track_gaps (
  fleet_id bigint not null,
  vehicle_id bigint not null,
  from_at timestamptz(3) not null,
  until_at timestamptz(3) not null,
  reason text not null,
  start_latitude_e7 integer not null,
  start_longitude_e7 integer not null,
  end_latitude_e7 integer not null,
  end_longitude_e7 integer not null,
  distance_m integer not null,
  version bigint not null default (pg_current_xact_id()::text)::bigint,
  constraint track_gaps_pkey primary key (fleet_id, vehicle_id, from_at),
  constraint track_gaps_fleet_id_vehicle_id_fkey foreign key (fleet_id, vehicle_id)
    references vehicles (fleet_id, id) on delete cascade on update cascade
);

-- From when on a vehicle's trips must be derived again, and when that is worth the work.
create table trip_rechecks (
  fleet_id bigint not null,
  vehicle_id bigint not null,
  from_at timestamptz(3) not null,
  due_at timestamptz(3) not null,
  constraint trip_rechecks_pkey primary key (fleet_id, vehicle_id),
  constraint trip_rechecks_fleet_id_vehicle_id_fkey foreign key (fleet_id, vehicle_id)
    references vehicles (fleet_id, id) on delete cascade on update cascade
);
create index trip_rechecks_due_at_idx on trip_rechecks (due_at);
alter table trip_rechecks set (fillfactor = 60);
