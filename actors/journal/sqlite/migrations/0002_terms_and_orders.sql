-- What a marketplace chose for its booking, as JSON; empty is the default.
ALTER TABLE booking ADD COLUMN terms TEXT NOT NULL DEFAULT '';
-- Where idleness may end a booking: the end that was asked for, and the one that
-- comes earlier if nobody calls. checkout_at is the earlier of the two.
ALTER TABLE booking ADD COLUMN limit_at INTEGER;
ALTER TABLE booking ADD COLUMN idle_at INTEGER;

-- A resting number serves again then; NULL: when it is told to.
ALTER TABLE proxy_number ADD COLUMN rest_until INTEGER;

-- Orders of new numbers from the carrier. There are few.
CREATE TABLE number_order (
  id         TEXT    NOT NULL PRIMARY KEY, -- UUIDv7, and the customer reference at the carrier
  ref        TEXT,                         -- the operator's name for it
  part       INTEGER NOT NULL,
  stage      TEXT    NOT NULL,             -- searching, ordering, pending, assigning, adding, done, failed
  created_at INTEGER,
  changed_at INTEGER,
  detail     TEXT    NOT NULL              -- JSON
) STRICT;
CREATE UNIQUE INDEX number_order_ref ON number_order (ref) WHERE ref IS NOT NULL;
CREATE INDEX number_order_due ON number_order (part, id) WHERE stage NOT IN ('done', 'failed');
