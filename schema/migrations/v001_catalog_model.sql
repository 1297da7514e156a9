-- Written by Catalog: names under which versions are kept.
CREATE TABLE model (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused: other rooms keep it as a plain number
  name TEXT NOT NULL UNIQUE,  -- a stored name, compared byte by byte
  nextVersion INTEGER NOT NULL DEFAULT 1 CHECK (nextVersion > 0),  -- the next version's number; never goes back
  createdAt INTEGER NOT NULL,  -- milliseconds since 1970
  note TEXT  -- what people say of it
) STRICT;

-- Written by Catalog: immutable sets of files, numbered within their model.
CREATE TABLE version (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused: other rooms keep it as a plain number
  modelId INTEGER NOT NULL REFERENCES model (id),  -- whose it is
  number INTEGER NOT NULL CHECK (number > 0),  -- from model.nextVersion; never reused
  createdAt INTEGER NOT NULL,  -- milliseconds since 1970
  source TEXT,  -- where its files came from, for people: a path, a reference
  runId TEXT,  -- the run that made it, 32 hex digits; null for an import or a fork
  note TEXT,  -- what people say of it
  UNIQUE (modelId, number)
) STRICT;
CREATE INDEX versionByRun ON version (runId) WHERE runId IS NOT NULL;

-- Written by Catalog: the files of versions; a path is a key, relative, parted by '/'.
CREATE TABLE versionFile (
  versionId INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,  -- whose it is
  path TEXT NOT NULL,  -- compared byte by byte
  contentBlobDigest BLOB NOT NULL CHECK (length(contentBlobDigest) = 32),  -- SHA-256 of the file
  sizeBytes INTEGER NOT NULL CHECK (sizeBytes >= 0),  -- of the file
  PRIMARY KEY (versionId, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX versionFileByContent ON versionFile (contentBlobDigest);

-- Written by Catalog: which versions a version was made from; a parent is always older, so there is no cycle.
CREATE TABLE parentage (
  childVersionId INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,  -- what was made
  position INTEGER NOT NULL CHECK (position > 0),  -- 1 is the first parent: name:3^, 2 the second: name:3^2
  parentVersionId INTEGER NOT NULL REFERENCES version (id),  -- what it was made from
  relation TEXT NOT NULL  -- what was done to the parent
    CHECK (relation IN ('fork', 'finetune', 'adapter', 'quantize', 'merge', 'distill')),
  PRIMARY KEY (childVersionId, position),
  UNIQUE (childVersionId, parentVersionId),
  CHECK (parentVersionId < childVersionId)
) STRICT, WITHOUT ROWID;
CREATE INDEX parentageByParent ON parentage (parentVersionId);

-- Written by Catalog: metrics that were brought with a version made elsewhere; a run's are in series.
CREATE TABLE versionMetric (
  versionId INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,  -- whose it is
  key TEXT NOT NULL,  -- 'val/f1'
  value REAL,  -- null is NaN
  source TEXT NOT NULL,  -- who says so, for people
  PRIMARY KEY (versionId, key)
) STRICT, WITHOUT ROWID;

-- Written by Catalog: movable names on versions, as they are now.
CREATE TABLE alias (
  modelId INTEGER NOT NULL REFERENCES model (id),  -- whose it is
  name TEXT NOT NULL,  -- 'prod'; compared byte by byte
  versionId INTEGER NOT NULL REFERENCES version (id),  -- the holder
  PRIMARY KEY (modelId, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliasByVersion ON alias (versionId);

-- Written by Catalog: every move of an alias; its event tells when and by whom.
CREATE TABLE aliasEntry (
  sequence INTEGER PRIMARY KEY,  -- the event's
  modelId INTEGER NOT NULL REFERENCES model (id),  -- whose it is
  name TEXT NOT NULL,  -- the alias
  number INTEGER,  -- the version that holds from here on, which may be removed by now; null: unset
  note TEXT,  -- why
  rollbackSequence INTEGER REFERENCES aliasEntry (sequence),  -- the entry that a rollback from here returns to
  CHECK (rollbackSequence < sequence)
) STRICT;
CREATE INDEX aliasEntryByAlias ON aliasEntry (modelId, name, sequence);
