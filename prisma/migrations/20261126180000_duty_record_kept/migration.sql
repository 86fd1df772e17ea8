-- A record of duty is added to and never changed: what somebody set stays as they set it (49 CFR 395.30 keeps the original of an edit).
-- Neither role may, whatever a statement says. What goes with a driver or a fleet goes by its key, as the owner.
revoke update, delete on duty_events from restline_app, restline_service;
