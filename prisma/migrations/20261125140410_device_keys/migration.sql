-- A device's own SSH key (server/auth/device-keys.ts). Only the public half is here.
create table device_keys (
  fleet_id bigint not null,
  id bigint not null,
  fingerprint text not null,
  -- as pasted, type and base64
  public_key text not null,
  comment text not null default '',
  type text not null,
  bits integer not null,
  algorithm text not null,
  state text not null default 'pending',
  scopes text[],
  -- fleet, vehicles or device
  reach text not null,
  device_id bigint,
  vehicle_ids bigint[] default array[]::bigint[],
  enrolled_at timestamptz(3) not null,
  enrolled_by text,
  activated_at timestamptz(3),
  expires_at timestamptz(3),
  -- the key that this one takes the place of
  rotated_from bigint,
  revoked_at timestamptz(3),
  revoked_by text,
  revoked_for text,
  last_used_at timestamptz(3),
  last_address text,
  clock_offset_ms bigint,
  constraint device_keys_pkey primary key (fleet_id, id),
  constraint device_keys_fleet_id_fkey foreign key (fleet_id) references fleets (id) on delete cascade on update cascade,
  constraint device_keys_fleet_id_device_id_fkey foreign key (fleet_id, device_id)
    references devices (fleet_id, id) on delete cascade on update cascade,
  constraint device_keys_lists_check check (scopes is not null and vehicle_ids is not null),
  constraint device_keys_state_check check (state in ('pending', 'active', 'revoked')),
  constraint device_keys_reach_check check ((reach = 'device') = (device_id is not null) and reach in ('fleet', 'vehicles', 'device'))
);
create unique index device_keys_fleet_id_fingerprint_key on device_keys (fleet_id, fingerprint);
-- A certificate at a proxy names a key and no fleet.
create index device_keys_fingerprint_idx on device_keys (fingerprint);

-- What an operator must sign to prove that a key is there. One for each key, used once.
create table device_key_challenges (
  fleet_id bigint not null,
  key_id bigint not null,
  challenge text not null,
  expires_at timestamptz(3) not null,
  constraint device_key_challenges_pkey primary key (fleet_id, key_id),
  constraint device_key_challenges_fleet_id_key_id_fkey foreign key (fleet_id, key_id)
    references device_keys (fleet_id, id) on delete cascade on update cascade
);

-- Secrets that a device and we have agreed on, encrypted. The name begins with the fleet's number.
create table device_sessions (
  fleet_id bigint not null,
  session text not null,
  id bigint not null,
  key_id bigint not null,
  opened_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  secret bytea not null,
  constraint device_sessions_pkey primary key (fleet_id, session),
  constraint device_sessions_fleet_id_key_id_fkey foreign key (fleet_id, key_id)
    references device_keys (fleet_id, id) on delete cascade on update cascade
);
create index device_sessions_fleet_id_key_id_idx on device_sessions (fleet_id, key_id);
create index device_sessions_expires_at_idx on device_sessions (expires_at);

-- What makes a signed request unrepeatable. Logged, because a crash must not forget it. A bucket is ten minutes, server/auth/nonces.ts
-- makes its partition ahead and drops it behind.
create table device_nonces (
  fleet_id bigint not null,
  key_ref bigint not null,
  bucket integer not null,
  nonce bytea not null,
  constraint device_nonces_pkey primary key (fleet_id, key_ref, bucket, nonce)
) partition by range (bucket);

-- Changes whenever somebody's right to report changes. Every instance looks each second and forgets what it knew of the fleet.
create table auth_epochs (
  fleet_id bigint not null,
  epoch bigint not null,
  constraint auth_epochs_pkey primary key (fleet_id),
  constraint auth_epochs_fleet_id_fkey foreign key (fleet_id) references fleets (id) on delete cascade on update cascade
);

-- Bodies without a semicolon in plain sight (\073), for the engine cuts scripts there.
create function bump_auth_epoch() returns trigger language plpgsql security definer set search_path = public as E'begin
  insert into auth_epochs as e (fleet_id, epoch)
  select distinct c.fleet_id, 1 from changed c join fleets f on f.id = c.fleet_id
  on conflict (fleet_id) do update set epoch = e.epoch + 1\073
  return null\073
end';
create trigger device_keys_updated after update on device_keys
  referencing old table as changed for each statement execute function bump_auth_epoch();
create trigger device_keys_deleted after delete on device_keys
  referencing old table as changed for each statement execute function bump_auth_epoch();
create trigger devices_updated after update on devices
  referencing old table as changed for each statement execute function bump_auth_epoch();
create trigger devices_deleted after delete on devices
  referencing old table as changed for each statement execute function bump_auth_epoch();

-- Which schemes a fleet takes, in the order in which they are asked.
alter table fleets add column device_auth text[]
  constraint fleets_device_auth_check check (device_auth is not null)
  default array['http-signature', 'session', 'token', 'identity'];

-- When a token ends, and from where alone it may come.
alter table devices add column token_expires_at timestamptz(3) not null default (now() + interval '1 year');
alter table devices add column token_sources text[] default array[]::text[]
  constraint devices_token_sources_check check (token_sources is not null);
