-- Whether a device works, apart from whether it is heard: what its newest message was worth.
alter table device_status add column valid_at timestamptz(3);
alter table device_status add column doubtful_at timestamptz(3);
alter table device_status add column doubt text;

-- How often something of a device was refused or doubted, by reason. A device has few reasons, and the counts are no evidence.
create table device_reasons (
  fleet_id bigint not null,
  device_id bigint not null,
  kind text not null,
  reason text not null,
  count bigint not null,
  last_at timestamptz(3) not null,
  constraint device_reasons_pkey primary key (fleet_id, device_id, kind, reason),
  constraint device_reasons_fleet_id_device_id_fkey foreign key (fleet_id, device_id)
    references devices (fleet_id, id) on delete cascade on update cascade,
  constraint device_reasons_kind_check check (kind in ('refused', 'doubtful'))
);

-- The last messages of a device as they came, twenty at most. Written when an installer looks and when something was refused.
create table device_messages (
  fleet_id bigint not null,
  device_id bigint not null,
  id bigint not null,
  received_at timestamptz(3) not null,
  protocol text not null,
  address text not null,
  raw text not null,
  raw_bytes integer not null,
  received integer not null,
  stored integer not null,
  duplicates integer not null,
  refusal text,
  readings jsonb not null,
  acknowledged_in_ms real not null,
  constraint device_messages_pkey primary key (fleet_id, device_id, id),
  constraint device_messages_fleet_id_device_id_fkey foreign key (fleet_id, device_id)
    references devices (fleet_id, id) on delete cascade on update cascade
);

select wall('device_reasons');
select wall('device_messages');
