-- A device that comes from a broker brings no token. It has a protocol of its own, so that it is heard from the broker alone and can't
-- report without a token over HTTP. The open ones of OwnTracks are those, but for who came over HTTP last.
update devices d set protocol = 'mqtt'
where d.protocol = 'owntracks' and d.open and not exists (
  select from device_status s
  where s.fleet_id = d.fleet_id and s.device_id = d.id and s.address not like 'mqtt %');
update device_status set protocol = 'mqtt' where protocol = 'owntracks' and address like 'mqtt %';
update device_messages set protocol = 'mqtt' where protocol = 'owntracks' and address like 'mqtt %';
update unknown_devices set protocol = 'mqtt' where protocol = 'owntracks' and address like 'mqtt %';
