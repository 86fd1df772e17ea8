-- How people of a fleet sign in besides with a password of ours.

-- The address that a fleet's own directory gave somebody, it is shown, and nobody signs in with it.
alter table fleet_members add column email text;

-- A directory (ldap) or an OpenID Connect provider (oidc) of a fleet. The secret is sealed with the product's key.
create table sign_in_providers (
  fleet_id bigint not null,
  id bigint not null,
  kind text not null,
  name text not null,
  enabled boolean not null default true,
  settings jsonb not null,
  secret bytea,
  created_at timestamptz(3) not null default current_timestamp,
  updated_at timestamptz(3) not null default current_timestamp,
  constraint sign_in_providers_pkey primary key (fleet_id, id),
  constraint sign_in_providers_fleet_id_fkey foreign key (fleet_id) references fleets (id) on delete cascade on update cascade
);
create unique index sign_in_providers_fleet_id_name_key on sign_in_providers (fleet_id, name);

-- Whom a provider's own name for somebody (entryUUID, sub) means. Never found by e-mail.
create table sign_in_identities (
  fleet_id bigint not null,
  provider_id bigint not null,
  subject text not null,
  user_id text not null,
  linked_at timestamptz(3) not null default current_timestamp,
  constraint sign_in_identities_pkey primary key (fleet_id, provider_id, subject),
  constraint sign_in_identities_fleet_id_provider_id_fkey foreign key (fleet_id, provider_id)
    references sign_in_providers (fleet_id, id) on delete cascade on update cascade,
  constraint sign_in_identities_user_id_fkey foreign key (user_id) references users (id) on delete cascade on update cascade
);
create index sign_in_identities_user_id_idx on sign_in_identities (user_id);

-- Somebody whom a fleet asked in. The mail holds the secret, here is its hash.
create table invitations (
  fleet_id bigint not null,
  id bigint not null,
  email text not null,
  role text not null,
  driver_id bigint,
  secret_hash bytea not null,
  invited_by text not null,
  created_at timestamptz(3) not null default current_timestamp,
  expires_at timestamptz(3) not null,
  accepted_at timestamptz(3),
  constraint invitations_pkey primary key (fleet_id, id),
  constraint invitations_fleet_id_fkey foreign key (fleet_id) references fleets (id) on delete cascade on update cascade,
  constraint invitations_fleet_id_driver_id_fkey foreign key (fleet_id, driver_id)
    references drivers (fleet_id, id) on delete cascade on update cascade
);
create index invitations_fleet_id_driver_id_idx on invitations (fleet_id, driver_id);

-- A way to a new password: good once and for half an hour.
create table password_resets (
  secret_hash bytea not null,
  user_id text not null,
  created_at timestamptz(3) not null default current_timestamp,
  expires_at timestamptz(3) not null,
  constraint password_resets_pkey primary key (secret_hash),
  constraint password_resets_user_id_fkey foreign key (user_id) references users (id) on delete cascade on update cascade
);
create index password_resets_user_id_idx on password_resets (user_id);

-- Mail that waits for the mail server. What it says is sealed: links in it open doors. A row goes when its mail has gone.
create table mail_outbox (
  id bigint not null,
  recipient text not null,
  sealed bytea not null,
  attempts integer not null default 0,
  due_at timestamptz(3) not null default current_timestamp,
  problem text,
  created_at timestamptz(3) not null default current_timestamp,
  constraint mail_outbox_pkey primary key (id)
);
create index mail_outbox_due_at_idx on mail_outbox (due_at);

-- Failed attempts by account and by address, counted for all processes together..
create table sign_in_attempts (
  key text not null,
  failures integer not null,
  since timestamptz(3) not null,
  last_at timestamptz(3) not null,
  constraint sign_in_attempts_pkey primary key (key)
);
create index sign_in_attempts_last_at_idx on sign_in_attempts (last_at);

-- A second step (RFC 6238) and passkeys (WebAuthn), as better-auth keeps them.
alter table users add column two_factor_enabled boolean not null default false;

create table two_factors (
  id text not null,
  secret text not null,
  backup_codes text not null,
  user_id text not null,
  verified boolean not null default true,
  failed_verification_count integer not null default 0,
  locked_until timestamptz(3),
  constraint two_factors_pkey primary key (id),
  constraint two_factors_user_id_fkey foreign key (user_id) references users (id) on delete cascade on update cascade
);
create index two_factors_user_id_idx on two_factors (user_id);

create table passkeys (
  id text not null,
  name text,
  public_key text not null,
  user_id text not null,
  credential_id text not null,
  counter integer not null,
  device_type text not null,
  backed_up boolean not null,
  transports text,
  created_at timestamptz(3) default current_timestamp,
  aaguid text,
  constraint passkeys_pkey primary key (id),
  constraint passkeys_user_id_fkey foreign key (user_id) references users (id) on delete cascade on update cascade
);
create unique index passkeys_credential_id_key on passkeys (credential_id);
create index passkeys_user_id_idx on passkeys (user_id);
