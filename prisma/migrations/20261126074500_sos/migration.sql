-- A device's button for help is an alarm too.
alter table device_alarms drop constraint device_alarms_kind_check;
alter table device_alarms add constraint device_alarms_kind_check
  check (kind in ('sos', 'two-trackers', 'foreign-identity', 'bad-frames'));
