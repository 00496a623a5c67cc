-- Where the database stands: a number that every claim and every audited change takes one further, with
-- the mark of the one that did. A Durable Object remembers the last one that was acknowledged
-- (src/witness). A database that was put back to an earlier point is behind it.
CREATE TABLE standing (
  id          INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
  number      INTEGER NOT NULL,
  mark        TEXT NOT NULL,             -- ULID, made for this step alone
  previous    TEXT NOT NULL,             -- the mark before it
  era         INTEGER NOT NULL           -- how often a restored database was taken into use
) STRICT;
INSERT INTO standing (id, number, mark, previous, era) VALUES (1, 0, '', '', 0);
