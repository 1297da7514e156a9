#ifndef CSYSTEM_H
#define CSYSTEM_H

#include <sqlite3.h>

/// Turns SQLite's defensive mode on for a connection; the call is variadic, which Swift cannot make.
int csystem_sqlite_defensive(sqlite3 *connection);

/// Keeps the -wal file when the last connection closes, so that readers without write access can open.
int csystem_sqlite_persist_wal(sqlite3 *connection);

/// Makes orphaned descendants children of this process (Linux); returns 0, or -1 where there is no such thing.
int csystem_become_subreaper(void);

/// Lets a pipe hold a megabyte where the system can; elsewhere it stays as it is.
void csystem_widen_pipe(int descriptor);

/// Counts a signal (1...31) from now on instead of obeying it; a signal that is ignored stays ignored. Returns 0, or -1.
int csystem_count_signal(int signal);

/// Obeys a signal again by its default action.
void csystem_obey_signal(int signal);

/// How often a counted signal has come since the count began.
int csystem_signal_count(int signal);

/// The flag of posix_spawn that starts a new session; 0 where there is none.
short csystem_spawn_setsid(void);

/// Has malloc keep what is freed, up to 64 MiB an arena and in two arenas (glibc); elsewhere does nothing.
void csystem_keep_freed_memory(void);

/// The environment of this process, as execve takes it.
char **csystem_environment(void);

#endif
