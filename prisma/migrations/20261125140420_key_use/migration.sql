-- When a key was last used is written every half minute and changes nobody's right: only what does moves the epoch.
drop trigger device_keys_updated on device_keys;
create function bump_auth_epoch_of_row() returns trigger language plpgsql security definer set search_path = public as E'begin
  insert into auth_epochs as e (fleet_id, epoch) values (old.fleet_id, 1)
  on conflict (fleet_id) do update set epoch = e.epoch + 1\073
  return null\073
end';
create trigger device_keys_updated
  after update of state, scopes, reach, device_id, vehicle_ids, expires_at, algorithm, public_key on device_keys
  for each row execute function bump_auth_epoch_of_row();
create function bump_auth_epoch_of_fleet() returns trigger language plpgsql security definer set search_path = public as E'begin
  insert into auth_epochs as e (fleet_id, epoch) values (old.id, 1)
  on conflict (fleet_id) do update set epoch = e.epoch + 1\073
  return null\073
end';
create trigger fleets_device_auth_updated after update of device_auth, slug on fleets
  for each row execute function bump_auth_epoch_of_fleet();

-- Whose JWT a fleet takes (server/auth/oauth.ts): OAuth 2 client credentials.
create table device_issuers (
  fleet_id bigint not null,
  issuer text not null,
  jwks_url text not null,
  constraint device_issuers_pkey primary key (fleet_id, issuer),
  constraint device_issuers_fleet_id_fkey foreign key (fleet_id) references fleets (id) on delete cascade on update cascade
);
