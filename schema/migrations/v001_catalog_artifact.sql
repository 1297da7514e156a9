-- Written by Tracking: a file that a run left and that is kept with it.
CREATE TABLE runArtifact (
  runId INTEGER NOT NULL REFERENCES run (id),  -- whose file it is
  path TEXT NOT NULL,  -- parts joined by '/'; a key, never joined to a folder
  sizeBytes INTEGER NOT NULL,  -- of the file
  contentBlobDigest BLOB NOT NULL CHECK (length(contentBlobDigest) = 32),  -- SHA-256 of the file
  PRIMARY KEY (runId, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX runArtifactByContent ON runArtifact (contentBlobDigest);
