-- Written by Tracking: one execution; what lists and filters need.
CREATE TABLE run (
  id INTEGER PRIMARY KEY,  -- inside this file only; in order of creation
  uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),  -- the run's id outside: 32 hex digits, as MLflow's
  experimentId INTEGER NOT NULL REFERENCES experiment (id),  -- its group
  name TEXT NOT NULL,  -- adjective-noun or given; other tools' names may repeat
  status TEXT NOT NULL CHECK (status IN ('RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED')),  -- MLflow's
  reason TEXT,  -- what the status does not say: 'diverged', 'overfit', 'lost', 'budget'
  lifecycleStage TEXT NOT NULL CHECK (lifecycleStage IN ('active', 'deleted')),  -- MLflow's words
  startTime INTEGER NOT NULL,  -- milliseconds since 1970
  endTime INTEGER,  -- milliseconds since 1970; null while it runs
  durationSeconds REAL,  -- by a monotonic clock where the end was seen
  user TEXT,  -- login name
  host TEXT,  -- machine's name
  seed INTEGER,  -- REGISTRY_SEED
  baseVersionId INTEGER,  -- the version in Catalog it started from
  outputVersionId INTEGER,  -- the version in Catalog it made
  exitStatus INTEGER,  -- the child's; null for a signal or while it runs
  exitSignal INTEGER,  -- what killed the child
  wallSeconds REAL,  -- of the child
  cpuSeconds REAL,  -- user and system time of the child and its children
  memoryPeakBytes INTEGER,  -- greatest resident size of one process
  metricsOffset INTEGER NOT NULL DEFAULT 0,  -- bytes of the spool's metrics that are stored
  outputOffset INTEGER NOT NULL DEFAULT 0  -- bytes of the spool's output that are scraped
) STRICT;
CREATE INDEX runByStart ON run (experimentId, startTime);
CREATE INDEX runByName ON run (name, experimentId);
CREATE INDEX runByStatus ON run (status) WHERE status IN ('RUNNING', 'SCHEDULED');
CREATE INDEX runByOutput ON run (outputVersionId) WHERE outputVersionId IS NOT NULL;

-- Written by Tracking: where a run came from; large, so apart from what lists scan.
CREATE TABLE runSource (
  runId INTEGER PRIMARY KEY REFERENCES run (id),  -- whose
  command TEXT,  -- JSON array: the exact argv
  gitCommit TEXT,  -- hex digits of the working tree's commit
  gitDiff BLOB,  -- zlib stream of `git diff HEAD`; null when clean
  untrackedCount INTEGER,  -- files that were in no commit and not ignored; null when nobody looked
  gpu TEXT,  -- JSON array of what nvidia-smi said
  freeze TEXT,  -- JSON array of the globs of tensors declared frozen
  scrapeRule TEXT,  -- the rule by which the output was read
  outputBlobDigest BLOB  -- the child's complete output
) STRICT;

-- Written by Tracking: each key of a metric, parameter or tag once.
CREATE TABLE keyName (
  id INTEGER PRIMARY KEY,  -- inside this file only
  name TEXT NOT NULL UNIQUE  -- 1 to 255 bytes: 'val/f1'
) STRICT;

-- Written by Tracking: what a run was started with; never changed.
CREATE TABLE parameter (
  runId INTEGER NOT NULL REFERENCES run (id),  -- whose
  keyNameId INTEGER NOT NULL REFERENCES keyName (id),  -- the key
  value TEXT NOT NULL,  -- as given
  number REAL,  -- the value as a number; null where it is none
  PRIMARY KEY (runId, keyNameId)
) STRICT, WITHOUT ROWID;
CREATE INDEX parameterByNumber ON parameter (keyNameId, number);

-- Written by Tracking: what people and tools note on a run.
CREATE TABLE tag (
  runId INTEGER NOT NULL REFERENCES run (id),  -- whose
  keyNameId INTEGER NOT NULL REFERENCES keyName (id),  -- the key
  value TEXT NOT NULL,  -- any text
  PRIMARY KEY (runId, keyNameId)
) STRICT, WITHOUT ROWID;
CREATE INDEX tagByKey ON tag (keyNameId);

-- Written by Tracking: outcomes of rules that watched a run.
CREATE TABLE runCheck (
  id INTEGER PRIMARY KEY,  -- in order of addition
  runId INTEGER NOT NULL REFERENCES run (id),  -- whose
  rule TEXT NOT NULL,  -- 'finite', 'frozen', 'metrics-line' …
  outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'warn', 'fail')),  -- how it came out
  evidence TEXT NOT NULL  -- JSON object
) STRICT;
CREATE INDEX runCheckByRun ON runCheck (runId);
