-- Walls between fleets (server/db/README.md). Two roles that nobody logs in as, own nothing and may not step over row security:
-- restline_app sees one fleet, the one that the transaction is bound to, and nothing without one. restline_service is for what
-- works across fleets (ingest, the worker, accounts). Semicolons inside bodies are written as \x3b, see audit_append.
do E'
declare
  wanted text\x3b
begin
  foreach wanted in array array[\'restline_app\', \'restline_service\'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format(\'create role %I nologin\', wanted)\x3b
      exception
        -- Another database of this server is being migrated too.
        when duplicate_object or unique_violation then null\x3b
      end\x3b
    end if\x3b
    if exists (select from pg_roles where rolname = wanted and (rolsuper or rolbypassrls)) then
      raise exception \'The role % must be neither a superuser nor BYPASSRLS\', wanted\x3b
    end if\x3b
    if not pg_has_role(current_user, wanted, \'usage\') or current_user = wanted then
      execute format(\'grant %I to %I\', wanted, current_user)\x3b
    end if\x3b
  end loop\x3b
exception when insufficient_privilege then
  raise exception \'The user % may not make the roles restline_app and restline_service. Let a superuser run: create role restline_app nologin, create role restline_service nologin, grant restline_app, restline_service to %\', current_user, current_user\x3b
end';

-- For a table whose rows belong to a fleet: row security that holds for its owner too, a policy for either role, their rights.
create function wall(target regclass, rights text default 'select, insert, update, delete',
  own text default 'fleet_id = (select current_setting(''app.fleet_id'')::bigint)') returns void language plpgsql as E'
begin
  execute format(\'alter table %s enable row level security, force row level security\', target)\x3b
  execute format(\'create policy own_fleet on %s to restline_app using (%s)\', target, own)\x3b
  execute format(\'create policy all_fleets on %s to restline_service using (true)\', target)\x3b
  execute format(\'grant %s on %s to restline_app\', rights, target)\x3b
  perform outside(target, rights)\x3b
end';

-- For a table that belongs to no fleet: only the service works with it.
create function outside(target regclass, rights text default 'select, insert, update, delete') returns void language plpgsql as E'
declare
  numbers text\x3b
begin
  execute format(\'grant %s on %s to restline_service\', rights, target)\x3b
  for numbers in
    select pg_get_serial_sequence(target::text, a.attname::text) from pg_attribute a
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped
  loop
    if numbers is not null then
      execute format(\'grant usage on sequence %s to restline_app, restline_service\', numbers)\x3b
    end if\x3b
  end loop\x3b
end';

select wall('fleets', own => 'id = (select current_setting(''app.fleet_id'')::bigint)');
select wall('audit_log', 'select, insert');
-- Fleet and device are numbers there. Months get no rights of their own: they are reached through the parent alone.
select wall('positions', 'select, insert',
  'fleet_number = (select number from fleets where id = (select current_setting(''app.fleet_id'')::bigint))');
-- People belong to no fleet, their memberships do. A fleet sees the accounts and sessions of its members.
select wall('users', own => 'exists (select from fleet_members m where m.user_id = users.id)');
select wall('sessions', own => 'exists (select from fleet_members m where m.user_id = sessions.user_id) and (fleet_id is null or fleet_id = (select current_setting(''app.fleet_id'')::bigint))');
revoke insert, update, delete on users from restline_app;
revoke insert, update on sessions from restline_app;

do E'
declare
  target record\x3b
begin
  for target in
    select c.oid::regclass as name,
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = \'fleet_id\') as has_fleet
    from pg_class c
    where c.relnamespace = \'public\'::regnamespace and c.relkind in (\'r\', \'p\') and not c.relispartition
      and not c.relrowsecurity
  loop
    if target.name = to_regclass(\'_prisma_migrations\') then
      perform outside(target.name, \'select\')\x3b
    elsif target.has_fleet then
      perform wall(target.name)\x3b
    else
      perform outside(target.name)\x3b
    end if\x3b
  end loop\x3b
end';
