-- Where a fleet's own systems want to be told, and what they are told: an outbox, written with the alert that it tells of.
create table webhook_endpoints (
  fleet_id bigint not null,
  id bigint not null,
  name text not null,
  url text not null,
  kinds text[],
  enabled boolean not null default true,
  -- Sealed. The one before stays good for a day, so that a receiver changes without a pause.
  secret bytea not null,
  previous_secret bytea,
  previous_until timestamptz(3),
  created_at timestamptz(3) not null default current_timestamp,
  created_by text not null,
  constraint webhook_endpoints_pkey primary key (fleet_id, id),
  constraint webhook_endpoints_fleet_id_fkey foreign key (fleet_id) references fleets (id) on delete cascade on update cascade
);

create table webhook_deliveries (
  fleet_id bigint not null,
  id bigint not null,
  endpoint_id bigint not null,
  event text not null,
  -- What is sent, byte for byte the same each time.
  body text not null,
  -- waiting, delivered, or given-up
  state text not null default 'waiting',
  attempts integer not null default 0,
  due_at timestamptz(3) not null,
  created_at timestamptz(3) not null,
  settled_at timestamptz(3),
  status integer,
  problem text,
  constraint webhook_deliveries_pkey primary key (fleet_id, id),
  constraint webhook_deliveries_fleet_id_endpoint_id_fkey foreign key (fleet_id, endpoint_id)
    references webhook_endpoints (fleet_id, id) on delete cascade on update cascade
);
create index webhook_deliveries_fleet_id_endpoint_id_state_due_at_idx on webhook_deliveries (fleet_id, endpoint_id, state, due_at);

select wall('webhook_endpoints');
select wall('webhook_deliveries');
