-- Written by Tracking: one metric of one run, with all that lists show, so that they decode no block.
CREATE TABLE series (
  runId INTEGER NOT NULL REFERENCES run (id),  -- whose
  keyNameId INTEGER NOT NULL REFERENCES keyName (id),  -- the metric's key
  count INTEGER NOT NULL,  -- points, in blocks and tail
  tailCount INTEGER NOT NULL,  -- those of them in pointTail
  nanCount INTEGER NOT NULL,  -- those of them that are NaN
  minStep INTEGER NOT NULL,  -- the least step
  maxStep INTEGER NOT NULL,  -- the greatest step
  latestStep INTEGER NOT NULL,  -- of the greatest (step, time, value), NaN above every number
  latestTime INTEGER NOT NULL,  -- milliseconds since 1970
  latestValue REAL,  -- null is NaN
  minValue REAL,  -- over all that is not NaN; null if there is none
  minValueStep INTEGER,  -- the first step with minValue
  maxValue REAL,  -- likewise
  maxValueStep INTEGER,  -- the first step with maxValue
  sum REAL,  -- of all that is not NaN; null is NaN (infinities of both signs)
  PRIMARY KEY (runId, keyNameId)
) STRICT, WITHOUT ROWID;
CREATE INDEX seriesByValue ON series (keyNameId, latestValue);

-- Written by Tracking: points of a series that do not fill a block yet.
CREATE TABLE pointTail (
  runId INTEGER NOT NULL,  -- whose
  keyNameId INTEGER NOT NULL,  -- the metric's key
  step INTEGER NOT NULL,  -- as sent, or the series' next
  time INTEGER NOT NULL,  -- milliseconds since 1970
  bits INTEGER NOT NULL,  -- bit pattern of the value; SQLite has no NaN
  PRIMARY KEY (runId, keyNameId, step, time, bits),
  FOREIGN KEY (runId, keyNameId) REFERENCES series (runId, keyNameId)
) STRICT, WITHOUT ROWID;

-- Written by Tracking: up to 512 points of a series, in order; Sources/Tracking/BlockFormat.md.
CREATE TABLE pointBlock (
  id INTEGER PRIMARY KEY,  -- in order of writing
  runId INTEGER NOT NULL,  -- whose
  keyNameId INTEGER NOT NULL,  -- the metric's key
  count INTEGER NOT NULL,  -- points
  nanCount INTEGER NOT NULL,  -- those of them that are NaN
  minStep INTEGER NOT NULL,  -- the least step
  maxStep INTEGER NOT NULL,  -- the greatest step
  minTime INTEGER NOT NULL,  -- milliseconds since 1970
  maxTime INTEGER NOT NULL,  -- milliseconds since 1970
  minValue REAL,  -- over all that is not NaN; null if there is none
  maxValue REAL,  -- likewise
  sum REAL,  -- of all that is not NaN; null is NaN
  content BLOB NOT NULL,  -- a zlib stream
  FOREIGN KEY (runId, keyNameId) REFERENCES series (runId, keyNameId)
) STRICT;
CREATE INDEX pointBlockByStep ON pointBlock (runId, keyNameId, minStep);
