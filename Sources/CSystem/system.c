#include "CSystem.h"

#ifdef __linux__
#include <sys/prctl.h>
#endif

int csystem_sqlite_defensive(sqlite3 *connection) {
  int enabled = 0;
  return sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, &enabled);
}

int csystem_sqlite_persist_wal(sqlite3 *connection) {
  int persist = 1;
  return sqlite3_file_control(connection, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
}

int csystem_become_subreaper(void) {
#ifdef __linux__
  return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#else
  return -1;
#endif
}
