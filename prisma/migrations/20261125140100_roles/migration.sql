-- What a member of a fleet may do, and whose log is a driver's own. Those who were members could do everything until now.
alter table fleet_members
  add column role text not null default 'viewer',
  add column driver_id bigint,
  add column joined_at timestamptz(3) not null default current_timestamp;
update fleet_members set role = 'owner';
alter table fleet_members
  add constraint fleet_members_fleet_id_driver_id_fkey foreign key (fleet_id, driver_id)
    references drivers (fleet_id, id) on delete cascade on update cascade;
create index fleet_members_fleet_id_driver_id_idx on fleet_members (fleet_id, driver_id);

-- A session that a fleet's own directory or provider opened is good for that fleet only.
alter table sessions
  add column fleet_id bigint,
  add constraint sessions_fleet_id_fkey foreign key (fleet_id) references fleets (id) on delete cascade on update cascade;
create index sessions_fleet_id_idx on sessions (fleet_id);
