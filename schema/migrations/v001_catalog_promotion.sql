-- Written by Promotion: each decision about an alias, with the evidence it was taken on.
CREATE TABLE promotion (
  id INTEGER PRIMARY KEY,  -- in order of the decisions
  kind TEXT NOT NULL CHECK (kind IN ('promote', 'rollback')),  -- which command asked for it
  modelId INTEGER NOT NULL,  -- the model in Catalog
  alias TEXT NOT NULL,  -- the alias's name
  versionId INTEGER NOT NULL,  -- the version in Catalog that was to hold the alias
  previousVersionId INTEGER,  -- the holder it was judged against; null for the first
  outcome TEXT NOT NULL CHECK (outcome IN ('promoted', 'refused')),  -- what was decided
  evidence TEXT NOT NULL,  -- JSON array, an object a gate; empty for a rollback
  waivers TEXT NOT NULL,  -- JSON object: the gates that were waived, with the reasons
  note TEXT,  -- why, in the user's words
  eventSequence INTEGER NOT NULL,  -- the entry of the event log that holds the same
  createdAt INTEGER NOT NULL  -- milliseconds since 1970
) STRICT;
CREATE INDEX promotionByModel ON promotion (modelId, alias, id);
CREATE INDEX promotionByVersion ON promotion (versionId);
