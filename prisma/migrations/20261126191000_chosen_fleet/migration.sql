-- In which of their fleets somebody works by this session. It points at no row: whoever is no member there any more is as if they had
-- never chosen.
alter table sessions add column chosen_fleet_id bigint;
