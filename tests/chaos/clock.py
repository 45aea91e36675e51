"""A clock of the day that jumps for one process, with what the kernel then does to waits: a library to be loaded before all others.

libfaketime changes what a process is told, but leaves waits until a time of the faked clock to the kernel, which knows only the true one:
librdkafka then waits for as long as the jump was, which no real jump forward makes it do. Here a wait ends when the faked clock says
so, also if that jumps meanwhile. Clocks that only count (CLOCK_MONOTONIC) go on as they are, as in a real jump. Needs a C compiler.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SLICE_NS 50000000L

static void now(clockid_t clock, struct timespec *t) { syscall(SYS_clock_gettime, clock, t); }

static long jumped(void) { /* seconds, as the file says */
    char told[32] = {0};
    int file = open(getenv("JUMP_FILE"), O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    if (read(file, told, sizeof told - 1) < 0) told[0] = 0;
    close(file);
    return atol(told);
}

int clock_gettime(clockid_t clock, struct timespec *t) {
    now(clock, t);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) t->tv_sec += jumped();
    return 0;
}

int timespec_get(struct timespec *t, int base) { clock_gettime(CLOCK_REALTIME, t); return base; }

time_t time(time_t *to) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return to ? (*to = t.tv_sec) : t.tv_sec;
}

int gettimeofday(struct timeval *tv, void *zone) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = t.tv_nsec / 1000;
    return 0;
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
    if (!wait) wait = dlsym(RTLD_NEXT, "pthread_cond_clockwait");
    if (until->tv_sec < 1000000000L) return wait(condition, mutex, CLOCK_MONOTONIC, until); /* Python's: seconds since the machine began */
    for (;;) { /* in slices of the clock that does not jump */
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        if (t.tv_sec > until->tv_sec || (t.tv_sec == until->tv_sec && t.tv_nsec >= until->tv_nsec)) return ETIMEDOUT;
        long left = until->tv_sec - t.tv_sec > 1 ? SLICE_NS : (until->tv_sec - t.tv_sec) * 1000000000L + until->tv_nsec - t.tv_nsec;
        now(CLOCK_MONOTONIC, &t);
        t.tv_nsec += left < SLICE_NS ? left : SLICE_NS;
        if (t.tv_nsec >= 1000000000L) { t.tv_nsec -= 1000000000L; t.tv_sec++; }
        int woken = wait(condition, mutex, CLOCK_MONOTONIC, &t);
        if (woken != ETIMEDOUT) return woken;
    }
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until) { /* librdkafka's; in glibc these are the same */
    int woken = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until);
    return woken == 0 ? thrd_success : woken == ETIMEDOUT ? thrd_timedout : thrd_error;
}
"""


@dataclass(frozen=True, slots=True)
class Clock:
    """A process with these variables in its environment has a clock that `jump` changes."""

    variables: dict[str, str]

    def jump(self, seconds: int) -> None:
        """So far from the true time it is from now on."""
        Path(self.variables["JUMP_FILE"]).write_text(f"{seconds}\n", encoding="ascii")


def clock(folder: Path) -> Clock:
    """A clock that is right for now; its library is made in this folder. Raises FileNotFoundError without a compiler."""
    source, library, jump = folder / "clock.c", folder / "clock.so", folder / "jump"
    source.write_text(_SOURCE, encoding="ascii")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
    made = Clock({"LD_PRELOAD": str(library), "JUMP_FILE": str(jump)})
    made.jump(0)
    return made
