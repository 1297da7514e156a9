-- More containers than safetensors are known. A CHECK cannot be changed, so the table is made anew; the
-- rows that refer to it first, since what drops a table also deletes what refers to its rows.
ALTER TABLE segment RENAME TO segmentOfSchema1;
ALTER TABLE blob RENAME TO blobOfSchema1;

-- Written by Weights: a file's bytes by their SHA-256; its row is committed after all of its content.
CREATE TABLE blob (
  id INTEGER PRIMARY KEY,  -- inside this file only
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),  -- SHA-256 of the whole file
  sizeBytes INTEGER NOT NULL CHECK (sizeBytes >= 0),  -- of the file
  container TEXT NOT NULL CHECK (
    container IN ('safetensors', 'gguf', 'npy', 'npz', 'torch', 'bytes'))  -- how it was cut
) STRICT;

-- Written by Weights: the parts of a blob in file order, without holes: tensors and everything else.
CREATE TABLE segment (
  blobId INTEGER NOT NULL REFERENCES blob (id) ON DELETE CASCADE,  -- the file
  position INTEGER NOT NULL CHECK (position >= 0),  -- 0, 1, 2 … in file order
  name BLOB,  -- the tensor's name in UTF-8, any character allowed; NULL for other parts
  dtype TEXT,  -- as safetensors spells it: 'F32'; other types as their container does; NULL for other parts
  shape TEXT,  -- JSON array, the outermost dimension first: '[30522,384]'; NULL for other parts
  offset INTEGER NOT NULL CHECK (offset >= 0),  -- of the first byte in the file
  sizeBytes INTEGER NOT NULL CHECK (sizeBytes >= 0),  -- of the part
  chunkIds BLOB NOT NULL,  -- ids of chunks in order, each as zigzag LEB128 of its difference to the last
  PRIMARY KEY (blobId, position)
) STRICT, WITHOUT ROWID;

INSERT INTO blob (id, digest, sizeBytes, container)
SELECT id, digest, sizeBytes, container FROM blobOfSchema1;
INSERT INTO segment (blobId, position, name, dtype, shape, offset, sizeBytes, chunkIds)
SELECT blobId, position, name, dtype, shape, offset, sizeBytes, chunkIds FROM segmentOfSchema1;

DROP TABLE segmentOfSchema1;
DROP TABLE blobOfSchema1;
