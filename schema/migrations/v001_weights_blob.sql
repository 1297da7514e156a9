-- Written by Weights: a file's bytes by their SHA-256; its row is committed after all of its content.
CREATE TABLE blob (
  id INTEGER PRIMARY KEY,  -- inside this file only
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),  -- SHA-256 of the whole file
  sizeBytes INTEGER NOT NULL CHECK (sizeBytes >= 0),  -- of the file
  container TEXT NOT NULL CHECK (container IN ('safetensors', 'bytes'))  -- how it was cut
) STRICT;

-- Written by Weights: the parts of a blob in file order, without holes: tensors and everything else.
CREATE TABLE segment (
  blobId INTEGER NOT NULL REFERENCES blob (id) ON DELETE CASCADE,  -- the file
  position INTEGER NOT NULL CHECK (position >= 0),  -- 0, 1, 2 … in file order
  name BLOB,  -- the tensor's name in UTF-8, any character allowed; NULL for other parts
  dtype TEXT,  -- as the container spells it: 'F32'; NULL for other parts
  shape TEXT,  -- JSON array: '[30522,384]'; NULL for other parts
  offset INTEGER NOT NULL CHECK (offset >= 0),  -- of the first byte in the file
  sizeBytes INTEGER NOT NULL CHECK (sizeBytes >= 0),  -- of the part
  chunkIds BLOB NOT NULL,  -- ids of chunks in order, each as zigzag LEB128 of its difference to the last
  PRIMARY KEY (blobId, position)
) STRICT, WITHOUT ROWID;

-- Written by Weights: up to 1 MiB of consecutive records of one import (Sources/Weights/Format.md).
CREATE TABLE pack (
  id INTEGER PRIMARY KEY,  -- inside this file only
  content BLOB NOT NULL  -- records, each found by its chunk's offset and length
) STRICT;

-- Written by Weights: a piece of content, stored once in the whole store.
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY,  -- inside this file only
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),  -- SHA-256 of the raw bytes
  sizeBytes INTEGER NOT NULL CHECK (sizeBytes > 0),  -- of the raw bytes
  packId INTEGER NOT NULL REFERENCES pack (id),  -- where the record is
  offset INTEGER NOT NULL CHECK (offset >= 0),  -- of the record in its pack
  lengthBytes INTEGER NOT NULL CHECK (lengthBytes > 0),  -- of the record
  baseChunkId INTEGER REFERENCES chunk (id),  -- what the record is a difference to; NULL: to nothing
  depth INTEGER NOT NULL CHECK (depth BETWEEN 0 AND 8),  -- differences to undo: the base's depth + 1
  CHECK ((baseChunkId IS NULL) = (depth = 0))
) STRICT;

CREATE INDEX chunkByPack ON chunk (packId);
CREATE INDEX chunkByBase ON chunk (baseChunkId) WHERE baseChunkId IS NOT NULL;
