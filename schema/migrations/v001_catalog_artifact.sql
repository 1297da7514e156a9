-- Written by Tracking: a file that a run left and that is kept with it.
CREATE TABLE runArtifact (
  runId INTEGER NOT NULL REFERENCES run (id),
  path TEXT NOT NULL,  -- parts joined by '/'; a key, never joined to a folder
  sizeBytes INTEGER NOT NULL,
  contentBlobDigest BLOB NOT NULL CHECK (length(contentBlobDigest) = 32),
  PRIMARY KEY (runId, path)
) STRICT, WITHOUT ROWID;
