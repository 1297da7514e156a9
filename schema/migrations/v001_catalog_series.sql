-- Written by Tracking: one metric of one run, with all that lists show, so that they decode no block.
CREATE TABLE series (
  runId INTEGER NOT NULL REFERENCES run (id),
  keyNameId INTEGER NOT NULL REFERENCES keyName (id),
  count INTEGER NOT NULL,  -- points, in blocks and tail
  tailCount INTEGER NOT NULL,  -- those of them in pointTail
  nanCount INTEGER NOT NULL,  -- those of them that are NaN
  minStep INTEGER NOT NULL,
  maxStep INTEGER NOT NULL,
  latestStep INTEGER NOT NULL,  -- of the greatest (step, time, value), NaN above every number
  latestTime INTEGER NOT NULL,  -- milliseconds since 1970
  latestValue REAL,  -- null is NaN
  minValue REAL,  -- over all that is not NaN; null if there is none
  minValueStep INTEGER,  -- the first step with minValue
  maxValue REAL,
  maxValueStep INTEGER,  -- the first step with maxValue
  sum REAL,  -- of all that is not NaN; null is NaN (infinities of both signs)
  PRIMARY KEY (runId, keyNameId)
) STRICT, WITHOUT ROWID;
CREATE INDEX seriesByValue ON series (keyNameId, latestValue);

-- Written by Tracking: points of a series that do not fill a block yet.
CREATE TABLE pointTail (
  runId INTEGER NOT NULL,
  keyNameId INTEGER NOT NULL,
  step INTEGER NOT NULL,
  time INTEGER NOT NULL,  -- milliseconds since 1970
  bits INTEGER NOT NULL,  -- bit pattern of the value; SQLite has no NaN
  PRIMARY KEY (runId, keyNameId, step, time, bits),
  FOREIGN KEY (runId, keyNameId) REFERENCES series (runId, keyNameId)
) STRICT, WITHOUT ROWID;

-- Written by Tracking: up to 512 points of a series, in order; Sources/Tracking/BlockFormat.md.
CREATE TABLE pointBlock (
  id INTEGER PRIMARY KEY,
  runId INTEGER NOT NULL,
  keyNameId INTEGER NOT NULL,
  count INTEGER NOT NULL,
  nanCount INTEGER NOT NULL,
  minStep INTEGER NOT NULL,
  maxStep INTEGER NOT NULL,
  minTime INTEGER NOT NULL,
  maxTime INTEGER NOT NULL,
  minValue REAL,  -- over all that is not NaN; null if there is none
  maxValue REAL,
  sum REAL,  -- of all that is not NaN; null is NaN
  content BLOB NOT NULL,  -- a zlib stream
  FOREIGN KEY (runId, keyNameId) REFERENCES series (runId, keyNameId)
) STRICT;
CREATE INDEX pointBlockByStep ON pointBlock (runId, keyNameId, minStep);
