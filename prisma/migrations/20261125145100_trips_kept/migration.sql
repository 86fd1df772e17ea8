-- Until which fix a vehicle's positions changed: a late one then reopens what it touches and not all that came after it.
-- Notes from before say nothing of it. No trusted fix is further ahead than five minutes.
alter table vehicle_rechecks add column until_at timestamptz(3) not null default (now() + interval '10 minutes');
alter table trip_rechecks add column until_at timestamptz(3) not null default (now() + interval '10 minutes');

-- A version names a content: the same row has the same one, whoever derived it and whenever.
alter table trips alter column version drop default;
alter table stops alter column version drop default;
alter table track_gaps alter column version drop default;

-- What the device's odometer said at the end.
alter table trips add column end_odometer_m integer;

-- Other thresholds are other trips: everything that is kept of the fleet is derived again.
-- (The engine that applies migrations cuts them at each semicolon, so those of the function are escaped.)
create function fleet_trips_reopen() returns trigger language plpgsql as E'
begin
  insert into trip_rechecks as r (fleet_id, vehicle_id, from_at, until_at, due_at)
  select v.fleet_id, v.id, \'epoch\', now() + interval \'10 minutes\', \'epoch\' from vehicles v
  where v.fleet_id = new.id order by v.id
  on conflict (fleet_id, vehicle_id) do update
    set from_at = excluded.from_at, until_at = greatest(r.until_at, excluded.until_at), due_at = excluded.due_at\x3b
  return null\x3b
end ';
create trigger fleets_trips_reopen
  after update of trip_standstill_minutes, trip_minimum_meters, trip_gap_minutes on fleets
  for each row when (
    (old.trip_standstill_minutes, old.trip_minimum_meters, old.trip_gap_minutes)
      is distinct from (new.trip_standstill_minutes, new.trip_minimum_meters, new.trip_gap_minutes))
  execute function fleet_trips_reopen();
