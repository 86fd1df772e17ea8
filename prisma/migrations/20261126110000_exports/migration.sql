-- What somebody asked to take away as a file: made by the worker, kept in pieces for a day.
create table exports (
  fleet_id bigint not null,
  id bigint not null,
  user_id text not null,
  -- As it was checked when it was asked for.
  report jsonb not null,
  file_name text not null,
  state text not null default 'queued'
    constraint exports_state_check check (state in ('queued', 'running', 'ready', 'failed', 'expired', 'removed')),
  -- Also whose turn it is: who was overtaken writes no more.
  attempts integer not null default 0,
  -- Queued: not before. Running: whoever took it has let go of it by then.
  due_at timestamptz(3) not null,
  rows bigint not null default 0,
  -- Of the file, and of its pieces as they are kept.
  bytes bigint not null default 0,
  packed_bytes bigint not null default 0,
  sha256 text,
  asked_at timestamptz(3) not null,
  started_at timestamptz(3),
  ready_at timestamptz(3),
  expires_at timestamptz(3),
  problem text,
  constraint exports_pkey primary key (fleet_id, id),
  constraint exports_fleet_id_fkey foreign key (fleet_id) references fleets (id) on delete cascade on update cascade
);
create index exports_state_due_at_idx on exports (state, due_at);

-- Parts of a file in order, each gzip of its own.
create table export_pieces (
  fleet_id bigint not null,
  export_id bigint not null,
  number integer not null,
  content bytea not null,
  constraint export_pieces_pkey primary key (fleet_id, export_id, number),
  constraint export_pieces_fleet_id_export_id_fkey foreign key (fleet_id, export_id)
    references exports (fleet_id, id) on delete cascade on update cascade
);
-- It is packed already.
alter table export_pieces alter column content set storage external;

select wall('exports');
select wall('export_pieces');
