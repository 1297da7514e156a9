-- Records of a matrix of low rank beside their base (Sources/Weights/Format.md) share one of its factors.
ALTER TABLE chunk ADD COLUMN factorChunkId INTEGER REFERENCES chunk (id);  -- what the record needs beside its base; NULL: nothing

CREATE INDEX chunkByFactor ON chunk (factorChunkId) WHERE factorChunkId IS NOT NULL;
