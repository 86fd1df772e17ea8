-- Keys of the positions that change in a month while it is laid in the order of trucks (server/db/lay.ts), by a trigger that the month
-- has for so long. Nothing else writes here, and outside of that the table is empty.
create table changed_positions (
  device_number integer not null,
  fix_second integer not null,
  digest integer not null,
  primary key (device_number, fix_second, digest)
);
select outside('changed_positions');

-- Who stores a heartbeat needs no right to this table for it.
create function note_changed_position() returns trigger language plpgsql security definer set search_path = public as E'begin
  if tg_op = \'DELETE\' then
    insert into changed_positions values (old.device_number, old.fix_second, old.digest) on conflict do nothing\x3b
  else
    insert into changed_positions values (new.device_number, new.fix_second, new.digest) on conflict do nothing\x3b
  end if\x3b
  return null\x3b
end';
