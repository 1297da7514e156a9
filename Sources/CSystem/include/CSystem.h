#ifndef CSYSTEM_H
#define CSYSTEM_H

#include <sqlite3.h>

/// Turns SQLite's defensive mode on for a connection; the call is variadic, which Swift cannot make.
int csystem_sqlite_defensive(sqlite3 *connection);

/// Keeps the -wal file when the last connection closes, so that readers without write access can open.
int csystem_sqlite_persist_wal(sqlite3 *connection);

/// Makes orphaned descendants children of this process (Linux); returns 0, or -1 where there is no such thing.
int csystem_become_subreaper(void);

#endif
