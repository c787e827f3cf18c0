-- Why a booking got the number that it got, in words; empty: nobody has told.
ALTER TABLE booking ADD COLUMN choice TEXT NOT NULL DEFAULT '';
