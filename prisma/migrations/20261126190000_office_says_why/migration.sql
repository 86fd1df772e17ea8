-- Whoever writes into another's record of duty says why (49 CFR 395.30(c)(2)), in no fewer than 4 characters. What stands there already
-- stays as it is: a record is not changed.
alter table duty_events add constraint duty_events_office_says_why
  check (origin <> 'dispatcher' or char_length(btrim(annotation)) >= 4) not valid;
