-- A recording's way into the archive, and what became of it. Something is due
-- when next_try_at says so, whatever it is; NULL: nothing is.
DROP INDEX recording_todo;
ALTER TABLE recording ADD COLUMN caller       TEXT    NOT NULL DEFAULT ''; -- a or b: his voice is on the first channel
ALTER TABLE recording ADD COLUMN why          TEXT    NOT NULL DEFAULT '';
ALTER TABLE recording ADD COLUMN tries        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recording ADD COLUMN object       TEXT    NOT NULL DEFAULT ''; -- its name in the archive
ALTER TABLE recording ADD COLUMN bytes        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recording ADD COLUMN sha256       TEXT    NOT NULL DEFAULT '';
ALTER TABLE recording ADD COLUMN content_type TEXT    NOT NULL DEFAULT '';
ALTER TABLE recording ADD COLUMN archived_at  INTEGER;
ALTER TABLE recording ADD COLUMN erased_at    INTEGER;
ALTER TABLE recording ADD COLUMN carrier_gone INTEGER NOT NULL DEFAULT 0; -- the carrier's copy is deleted
ALTER TABLE recording ADD COLUMN hold         TEXT    NOT NULL DEFAULT ''; -- why it must not be erased
ALTER TABLE recording ADD COLUMN summary      TEXT    NOT NULL DEFAULT 'none'; -- none, waiting, done, failed
ALTER TABLE recording ADD COLUMN summary_why  TEXT    NOT NULL DEFAULT '';
-- What was noted before there was a queue is due at once.
UPDATE recording SET next_try_at = coalesce(next_try_at, noticed_at, 0) WHERE status = 'pending';
CREATE INDEX recording_due     ON recording (part, next_try_at, id) WHERE next_try_at IS NOT NULL;
CREATE INDEX recording_pending ON recording (part, noticed_at) WHERE status = 'pending';
CREATE INDEX recording_kept    ON recording (part, noticed_at, id) WHERE status = 'archived' AND hold = '';
CREATE INDEX recording_booking ON recording (booking_id, id) WHERE booking_id IS NOT NULL;

-- Made by machines: the carrier's transcript, and a model's summary of it.
CREATE TABLE recording_text (
  recording_id TEXT NOT NULL, -- empty: the carrier told the session only
  session_id   TEXT NOT NULL,
  kind         TEXT NOT NULL, -- transcript, summary
  text         TEXT NOT NULL,
  made_by      TEXT NOT NULL, -- the carrier's id of the transcription, or the model
  at           INTEGER,
  PRIMARY KEY (recording_id, session_id, kind)
) STRICT;
CREATE INDEX recording_text_session ON recording_text (session_id, kind);

-- Requests to forget a person or a booking. detail holds the party's number
-- only until done_at.
CREATE TABLE erasure (
  id         TEXT    NOT NULL PRIMARY KEY, -- UUIDv7
  part       INTEGER NOT NULL,
  created_at INTEGER,
  done_at    INTEGER,
  detail     TEXT    NOT NULL -- JSON
) STRICT;
CREATE INDEX erasure_due ON erasure (part, id) WHERE done_at IS NULL;

-- Both had heard by then that they are recorded.
ALTER TABLE call ADD COLUMN consent_at INTEGER;
CREATE INDEX call_booking ON call (booking_id, id) WHERE booking_id IS NOT NULL;

DROP VIEW recordings;
CREATE VIEW recordings AS SELECT
  id, call_id, booking_id, status, why, format, channels, bytes, object, sha256, hold, summary,
  strftime('%Y-%m-%d %H:%M:%f', started_at / 1e6, 'unixepoch')  AS started,
  strftime('%Y-%m-%d %H:%M:%f', ended_at / 1e6, 'unixepoch')    AS ended,
  strftime('%Y-%m-%d %H:%M:%f', archived_at / 1e6, 'unixepoch') AS archived,
  strftime('%Y-%m-%d %H:%M:%f', erased_at / 1e6, 'unixepoch')   AS erased,
  tries,
  strftime('%Y-%m-%d %H:%M:%f', next_try_at / 1e6, 'unixepoch') AS next_try
FROM recording;
