/* For bench/slow_syncs.py alone: preloaded into a server, it makes every fsync and fdatasync take longer, as a slower disk would.
   So many microseconds as the variable SLOW_SYNC_US says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static int longer(const char *name, int handle) {
    const char *said = getenv("SLOW_SYNC_US");
    long us = said ? atol(said) : 0;
    struct timespec left = {us / 1000000, us % 1000000 * 1000};
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    while (us > 0 && nanosleep(&left, &left) != 0) {
    }
    return real(handle);
}

int fsync(int handle) { return longer("fsync", handle); }
int fdatasync(int handle) { return longer("fdatasync", handle); }
