-- What an installer asks of a device. Counters follow behind the receipts. They are no evidence and may be lost with a crash.
create table device_status (
  fleet_id bigint not null,
  device_id bigint not null,
  protocol text not null,
  address text not null,
  seen_at timestamptz(3) not null,
  received bigint not null default 0,
  stored bigint not null default 0,
  duplicates bigint not null default 0,
  refused bigint not null default 0,
  doubtful bigint not null default 0,
  clock_offset_ms bigint,
  acknowledged_in_ms real,
  refusal text,
  refused_at timestamptz(3),
  constraint device_status_pkey primary key (fleet_id, device_id),
  constraint device_status_fleet_id_device_id_fkey foreign key (fleet_id, device_id)
    references devices (fleet_id, id) on delete cascade on update cascade
);

-- Who knocked and is not enrolled. They belong to no fleet yet.
create table unknown_devices (
  protocol text not null,
  identity text not null,
  address text not null,
  reason text not null,
  first_seen_at timestamptz(3) not null,
  seen_at timestamptz(3) not null,
  attempts bigint not null default 1,
  constraint unknown_devices_pkey primary key (protocol, identity)
);
create index unknown_devices_seen_at_idx on unknown_devices (seen_at);
