-- What is wrong around a device beside what it says (two trackers with one identity): of each kind the present occurrence, or the last.
create table device_alarms (
  fleet_id bigint not null,
  device_id bigint not null,
  kind text not null,
  since timestamptz(3) not null,
  last_at timestamptz(3) not null,
  count bigint not null,
  detail text not null,
  constraint device_alarms_pkey primary key (fleet_id, device_id, kind),
  constraint device_alarms_fleet_id_device_id_fkey foreign key (fleet_id, device_id)
    references devices (fleet_id, id) on delete cascade on update cascade,
  constraint device_alarms_kind_check check (kind in ('two-trackers', 'foreign-identity', 'bad-frames'))
);
create index device_alarms_last_at_idx on device_alarms (last_at);
select wall('device_alarms');
