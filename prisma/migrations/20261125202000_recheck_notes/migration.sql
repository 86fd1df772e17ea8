-- What a group of heartbeats leaves behind for the worker: one row for all its vehicles, which nobody waits for. A note for each vehicle
-- cost half of what storing a group of single heartbeats does. The worker makes those notes (vehicle_rechecks) of it.
create table recheck_notes (
  fleet_id bigint not null,
  id bigserial not null,
  vehicle_ids bigint[],
  from_at timestamptz(3)[],
  until_at timestamptz(3)[],
  primary key (fleet_id, id)
);
select wall('recheck_notes');

-- Groups are copied into the months they belong to: COPY refuses the whole table because of its row security. Months are still read
-- through the whole table alone.
do E'
declare
  month regclass\x3b
begin
  for month in select inhrelid::regclass from pg_inherits where inhparent = \'positions\'::regclass loop
    execute format(\'grant insert on %s to restline_service\', month)\x3b
  end loop\x3b
end';
