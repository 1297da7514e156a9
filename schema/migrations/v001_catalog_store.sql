-- Written by Storage.
CREATE TABLE storeInfo (
  id INTEGER PRIMARY KEY CHECK (id = 1),  -- one row
  storeId BLOB NOT NULL CHECK (length(storeId) = 16),  -- random; the same in both files
  createdAt INTEGER NOT NULL  -- milliseconds since 1970
) STRICT;

-- Written by Storage: the append-only log of everything that changed, each entry chained to the one before.
CREATE TABLE event (
  sequence INTEGER PRIMARY KEY,  -- 1, 2, 3 … without gaps; orders everything
  time INTEGER NOT NULL,  -- milliseconds since 1970, for people; never for order
  actor TEXT NOT NULL,  -- who: the login name, later a token's name
  kind TEXT NOT NULL,  -- noun.verb: 'model.add', 'alias.move'
  subject TEXT NOT NULL,  -- what it happened to, as a reference: 'sections:2'
  detail TEXT NOT NULL,  -- JSON object, keys sorted
  hash BLOB NOT NULL CHECK (length(hash) = 32)  -- SHA-256 over the previous hash and this entry
) STRICT;

CREATE INDEX eventBySubject ON event (subject, sequence);
