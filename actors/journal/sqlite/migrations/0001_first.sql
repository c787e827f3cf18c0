-- Times are microseconds since 1970, UTC; NULL is "not yet". Numbers are E.164,
-- empty for "none". Ids of bookings and calls are UUIDv7: they sort by time, so
-- rows and indexes append. An index on anything random (a party, a number)
-- would cost the writer a tenfold.
PRAGMA application_id = 0x6d61736b; -- "mask"

CREATE TABLE proxy_number (
  number     TEXT    NOT NULL PRIMARY KEY,
  part       INTEGER NOT NULL,
  state      TEXT    NOT NULL, -- serving, draining, resting, retired
  changed_at INTEGER
) STRICT;

CREATE TABLE booking (
  id          TEXT    NOT NULL PRIMARY KEY,
  ref         TEXT,             -- the marketplace's name for it
  part        INTEGER NOT NULL,
  number_a    TEXT    NOT NULL, -- what A dials
  number_b    TEXT    NOT NULL, -- what B dials, usually the same
  party_a     TEXT    NOT NULL,
  party_b     TEXT    NOT NULL,
  state       TEXT    NOT NULL, -- live, quarantine, closed
  reason      TEXT    NOT NULL,
  created_at  INTEGER,
  checkout_at INTEGER,          -- planned, and once it has ended the real one
  free_at     INTEGER,          -- end of quarantine
  asked_us    INTEGER NOT NULL  -- the duration first asked for, microseconds
) STRICT;
CREATE UNIQUE INDEX booking_ref ON booking (ref) WHERE ref IS NOT NULL;
-- What is live or in quarantine: lists and recovery read this.
CREATE INDEX booking_held ON booking (id, part) WHERE state <> 'closed';

CREATE TABLE call (
  id            TEXT    NOT NULL PRIMARY KEY,
  part          INTEGER NOT NULL,
  booking_id    TEXT,             -- NULL: the caller was refused before one was found
  number        TEXT    NOT NULL, -- the proxy number that was dialled
  caller        TEXT    NOT NULL, -- a, b, or empty
  session_id    TEXT    NOT NULL, -- the carrier's
  stage         TEXT    NOT NULL,
  outcome       TEXT    NOT NULL, -- empty until it is over
  reason        TEXT    NOT NULL,
  rang_at       INTEGER,
  answered_at   INTEGER,          -- A's leg, by us
  dialed_at     INTEGER,
  talk_at       INTEGER,          -- B answered
  end_at        INTEGER,
  hangup_cause  TEXT    NOT NULL,
  hangup_source TEXT    NOT NULL,
  state         TEXT    NOT NULL, -- the actor's snapshot, JSON; empty once nothing is due
  due           INTEGER NOT NULL  -- 1 while state is not empty
) STRICT;
-- The one random index: events that carry no tag of ours come by session.
CREATE INDEX call_session ON call (session_id);
-- These two are partial on due and not on state, because an update that leaves
-- due alone then touches neither: eight of a call's nine.
CREATE INDEX call_open  ON call (part, id) WHERE due = 1;
CREATE INDEX call_ended ON call (part, end_at, session_id) WHERE due = 0 AND end_at IS NOT NULL;

CREATE TABLE call_story (
  call_id TEXT    NOT NULL,
  n       INTEGER NOT NULL, -- from 1
  at      INTEGER,
  what    TEXT    NOT NULL, -- JSON: an event or a command
  PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE recording (
  id          TEXT    NOT NULL PRIMARY KEY, -- the carrier's
  call_id     TEXT,                         -- NULL: unknown to us
  booking_id  TEXT,
  part        INTEGER NOT NULL,
  session_id  TEXT    NOT NULL,
  leg_id      TEXT    NOT NULL,
  leg_uuid    TEXT    NOT NULL,
  format      TEXT    NOT NULL,
  channels    TEXT    NOT NULL,
  started_at  INTEGER,
  ended_at    INTEGER,
  noticed_at  INTEGER,
  next_try_at INTEGER,
  status      TEXT    NOT NULL DEFAULT 'pending' -- pending, archived, lost, erased
) STRICT;
CREATE INDEX recording_call ON recording (call_id);
CREATE INDEX recording_todo ON recording (part, next_try_at) WHERE status = 'pending';

-- A durable write of no meaning goes here.
CREATE TABLE probe (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  n  INTEGER NOT NULL
) STRICT;
INSERT INTO probe VALUES (1, 0);

-- For people. Parties are masked; times are UTC.
CREATE VIEW bookings AS SELECT
  id, coalesce(ref, id) AS public_id, state, reason, number_a, number_b,
  substr(party_a, 1, 3) || '***' || substr(party_a, -2) AS party_a,
  substr(party_b, 1, 3) || '***' || substr(party_b, -2) AS party_b,
  strftime('%Y-%m-%d %H:%M:%f', created_at / 1e6, 'unixepoch')  AS created,
  strftime('%Y-%m-%d %H:%M:%f', checkout_at / 1e6, 'unixepoch') AS checkout,
  strftime('%Y-%m-%d %H:%M:%f', free_at / 1e6, 'unixepoch')     AS free
FROM booking;

CREATE VIEW calls AS SELECT
  id, booking_id, number, caller, stage, outcome, reason, hangup_cause, hangup_source,
  strftime('%Y-%m-%d %H:%M:%f', rang_at / 1e6, 'unixepoch')     AS rang,
  strftime('%Y-%m-%d %H:%M:%f', answered_at / 1e6, 'unixepoch') AS answered,
  strftime('%Y-%m-%d %H:%M:%f', dialed_at / 1e6, 'unixepoch')   AS dialed,
  strftime('%Y-%m-%d %H:%M:%f', talk_at / 1e6, 'unixepoch')     AS talk,
  strftime('%Y-%m-%d %H:%M:%f', end_at / 1e6, 'unixepoch')      AS ended,
  CASE WHEN end_at >= talk_at THEN round((end_at - talk_at) / 1e6, 3) ELSE 0 END AS talk_seconds,
  session_id
FROM call;

CREATE VIEW recordings AS SELECT
  id, call_id, booking_id, status, format, channels,
  strftime('%Y-%m-%d %H:%M:%f', started_at / 1e6, 'unixepoch')  AS started,
  strftime('%Y-%m-%d %H:%M:%f', ended_at / 1e6, 'unixepoch')    AS ended,
  strftime('%Y-%m-%d %H:%M:%f', next_try_at / 1e6, 'unixepoch') AS next_try
FROM recording;
