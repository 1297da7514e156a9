#define _GNU_SOURCE
#include "CSystem.h"

#ifdef __linux__
#include <malloc.h>
#endif
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef __APPLE__
#include <crt_externs.h>
#else
extern char **environ;
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

void csystem_widen_pipe(int descriptor) {
#ifdef F_SETPIPE_SZ
  (void)fcntl(descriptor, F_SETPIPE_SZ, 1 << 20);
#else
  (void)descriptor;
#endif
}

// A handler may do next to nothing, and Swift must not run in one: it counts, and poll() is interrupted.
static volatile sig_atomic_t signal_counts[32];

static void count_signal(int signal) { signal_counts[signal]++; }

int csystem_count_signal(int signal) {
  struct sigaction old, new = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
  if (signal < 1 || signal > 31 || sigaction(signal, 0, &old) != 0) return -1;
  if (old.sa_handler == SIG_IGN && signal != SIGCHLD) return 0;
  sigemptyset(&new.sa_mask);
  signal_counts[signal] = 0;
  return sigaction(signal, &new, 0);
}

void csystem_obey_signal(int signal) {
  struct sigaction old, new = {.sa_handler = SIG_DFL};
  sigemptyset(&new.sa_mask);
  if (sigaction(signal, 0, &old) == 0 && old.sa_handler == count_signal) sigaction(signal, &new, 0);
}

int csystem_signal_count(int signal) {
  return signal < 1 || signal > 31 ? 0 : signal_counts[signal];
}

short csystem_spawn_setsid(void) {
#ifdef POSIX_SPAWN_SETSID
  return POSIX_SPAWN_SETSID;
#else
  return 0;
#endif
}

char **csystem_environment(void) {
#ifdef __APPLE__
  return *_NSGetEnviron();
#else
  return environ;
#endif
}

void csystem_keep_freed_memory(void) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 16 << 20);
#endif
}
