-- Written by Storage.
CREATE TABLE storeInfo (
  id INTEGER PRIMARY KEY CHECK (id = 1),  -- one row
  storeId BLOB NOT NULL CHECK (length(storeId) = 16),  -- random; the same in both files
  createdAt INTEGER NOT NULL  -- milliseconds since 1970
) STRICT;
