-- What people and devices changed in a fleet, for ever: appended only, each row holding the hash of the one before
-- (server/audit). No key points from here to a fleet or a person: their going must not take their deeds with them.
create table audit_log (
  fleet_id bigint not null,
  sequence bigint not null,
  at timestamptz(3) not null,
  actor_kind text not null,
  actor_id text not null,
  actor_name text not null,
  action text not null,
  object_kind text not null,
  object_id text not null,
  -- json keeps the text as it was written, which the hash covers
  before json,
  after json,
  address text,
  request_id text,
  previous_hash bytea not null,
  hash bytea not null,
  constraint audit_log_pkey primary key (fleet_id, sequence)
);
create index audit_log_fleet_id_at_idx on audit_log (fleet_id, at);

-- A field as it is hashed: its length in bytes and itself, so that no two rows read the same.
create function audit_field(value text) returns text language sql immutable parallel safe
  return coalesce(octet_length(value) || ':' || value, '-');

create function audit_hash(previous bytea, entry audit_log) returns bytea language sql immutable parallel safe
  return sha256(previous || convert_to(
    audit_field(entry.fleet_id::text) || audit_field(entry.sequence::text)
    || audit_field(((extract(epoch from entry.at) * 1000)::bigint)::text)
    || audit_field(entry.actor_kind) || audit_field(entry.actor_id) || audit_field(entry.actor_name)
    || audit_field(entry.action) || audit_field(entry.object_kind) || audit_field(entry.object_id)
    || audit_field(entry.before::text) || audit_field(entry.after::text)
    || audit_field(entry.address) || audit_field(entry.request_id), 'UTF8'));

-- Whoever inserts says what was done, and the database says where in the chain it stands.
-- The lock is a fleet's own and ends with the transaction: numbers have no holes and no two rows one predecessor.
-- (The engine that applies this cuts at semicolons, inside bodies too, so there they are written as \x3b.)
create function audit_append() returns trigger language plpgsql as E'
declare
  last record\x3b
begin
  perform pg_advisory_xact_lock(727277, hashint8(new.fleet_id))\x3b
  select a.sequence, a.hash into last from audit_log a
    where a.fleet_id = new.fleet_id order by a.sequence desc limit 1\x3b
  new.sequence := coalesce(last.sequence, 0) + 1\x3b
  new.previous_hash := coalesce(last.hash, \'\'::bytea)\x3b
  new.hash := audit_hash(new.previous_hash, new)\x3b
  return new\x3b
end';
create trigger audit_append before insert on audit_log for each row execute function audit_append();

create function audit_refuse() returns trigger language plpgsql as E'
begin
  raise exception \'the audit log is append only\' using errcode = \'insufficient_privilege\'\x3b
end';
create trigger audit_refuse before update or delete or truncate on audit_log
  for each statement execute function audit_refuse();
