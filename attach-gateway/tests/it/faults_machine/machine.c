/* A machine whose faults a test can turn on while a program runs on it: preloaded, it stands before the C library. The
 * words of the file in MACHINE_FAULTS say what is wrong; faults_machine/mod.rs has their names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK, SYNC_FAILS, SYNC_DELAY, WRITE_ERROR, NAMES, WORDS };
static volatile long *words;

__attribute__((constructor)) static void look(void) {
    const char *path = getenv("MACHINE_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *found = mmap(NULL, WORDS * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (found != MAP_FAILED) words = found;
}

static long word(int which) { return words ? words[which] : 0; }

/* Only the audit log's disk is broken. */
static int of_the_log(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "/audit/") != NULL;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    long failed = syscall(SYS_clock_gettime, clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += word(CLOCK);
    return (int)failed;
}

static int synced(int fd, long call) {
    if ((word(SYNC_DELAY) || word(SYNC_FAILS)) && of_the_log(fd)) {
        if (word(SYNC_DELAY)) usleep((useconds_t)word(SYNC_DELAY) * 1000);
        if (word(SYNC_FAILS)) {
            /* Below zero: until it is set to zero. */
            if (word(SYNC_FAILS) > 0) __atomic_sub_fetch(&words[SYNC_FAILS], 1, __ATOMIC_SEQ_CST);
            errno = EIO;
            return -1;
        }
    }
    return (int)syscall(call, fd);
}

int fsync(int fd) { return synced(fd, SYS_fsync); }

int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

ssize_t write(int fd, const void *bytes, size_t length) {
    if (word(WRITE_ERROR) && of_the_log(fd)) {
        errno = (int)word(WRITE_ERROR);
        return -1;
    }
    return syscall(SYS_write, fd, bytes, length);
}

typedef int resolve(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* Names below .test are this machine's own. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    size_t length = name ? strlen(name) : 0;
    if (length > 5 && !strcmp(name + length - 5, ".test")) {
        if (word(NAMES) == 2) return EAI_NONAME;
        if (word(NAMES) == 3) return EAI_AGAIN;
        name = word(NAMES) == 1 ? "127.0.0.2" : "127.0.0.1";
    }
    resolve *next = (resolve *)dlsym(RTLD_NEXT, "getaddrinfo");
    return next(name, service, hints, found);
}
