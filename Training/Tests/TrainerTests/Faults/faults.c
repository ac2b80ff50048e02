// Makes one call of the system fail, as a bad disk, a full one or a signal would. Loaded in front
// of the C library (LD_PRELOAD), Linux only. Calls count when they concern something below one
// folder.
//
// A process is told by its environment: BONN_FAULT_FOLDER, BONN_FAULT_KIND (eio, enospc, eintr,
// short, dead) and BONN_FAULT_CALL, the number of the call from 1; or, while it runs, by
// bonn_faults_arm. `dead` lets every call from that one on fail. At its end it writes how many
// calls there were and which one failed to BONN_FAULT_LOG.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder[4096];
static char kind[16];
static atomic_int wanted = 0;
static atomic_int calls = 0;
static const char *_Atomic failed = NULL;
static atomic_bool tracked[4096];

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

void bonn_faults_arm(const char *below, const char *with, int call) {
    snprintf(folder, sizeof folder, "%s", below);
    snprintf(kind, sizeof kind, "%s", with);
    failed = NULL;
    calls = 0;
    wanted = call;
}

// How many calls there were; the name of the one that failed, or NULL.
const char *bonn_faults_disarm(int *count) {
    *count = calls;
    wanted = 0;
    folder[0] = 0;
    return failed;
}

__attribute__((constructor)) static void begin(void) {
    const char *below = getenv("BONN_FAULT_FOLDER"), *with = getenv("BONN_FAULT_KIND");
    const char *call = getenv("BONN_FAULT_CALL");
    if (below && with && call)
        bonn_faults_arm(below, with, atoi(call));
}

__attribute__((destructor)) static void end(void) {
    const char *log = getenv("BONN_FAULT_LOG");
    if (!log)
        return;
    char line[128];
    int length = snprintf(line, sizeof line, "%d %s\n", calls, failed ? failed : "-");
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (descriptor >= 0) {
        syscall(SYS_write, descriptor, line, length);
        syscall(SYS_close, descriptor);
    }
}

static bool concerns(const char *path) {
    return folder[0] && path && strncmp(path, folder, strlen(folder)) == 0;
}

static bool concerns_file(int descriptor) {
    return folder[0] && descriptor >= 0 && descriptor < 4096 && tracked[descriptor];
}

// Counts a call; true when it is to fail, with errno set.
static bool fails(const char *name) {
    int call = atomic_fetch_add(&calls, 1) + 1;
    bool dead = strcmp(kind, "dead") == 0;
    if (!wanted || (dead ? call < wanted : call != wanted))
        return false;
    if (!failed)
        failed = name;
    if (strcmp(kind, "short") == 0)
        return false;
    errno = strcmp(kind, "enospc") == 0 ? ENOSPC : strcmp(kind, "eintr") == 0 ? EINTR : EIO;
    return true;
}

static bool is_short(void) {
    return wanted && calls == wanted && strcmp(kind, "short") == 0;
}

static int opened(int descriptor, const char *path) {
    if (descriptor >= 0 && descriptor < 4096)
        tracked[descriptor] = concerns(path);
    return descriptor;
}

#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode = (mode_t)va_arg(list, int);                                                          \
        va_end(list);                                                                              \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    if (concerns(path) && fails("open"))
        return -1;
    return opened(REAL(open)(path, flags, mode), path);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    if (concerns(path) && fails("open"))
        return -1;
    return opened(REAL(open64)(path, flags, mode), path);
}

int openat(int at, const char *path, int flags, ...) {
    MODE(flags)
    if (concerns(path) && fails("openat"))
        return -1;
    return opened(REAL(openat)(at, path, flags, mode), path);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE(flags)
    if (concerns(path) && fails("openat"))
        return -1;
    return opened(REAL(openat64)(at, path, flags, mode), path);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (concerns_file(descriptor)) {
        if (fails("write"))
            return -1;
        if (is_short() && count > 1)
            count /= 2;
    }
    return REAL(write)(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    if (concerns_file(descriptor)) {
        if (fails("pwrite"))
            return -1;
        if (is_short() && count > 1)
            count /= 2;
    }
    return REAL(pwrite)(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    if (concerns_file(descriptor)) {
        if (fails("pwrite"))
            return -1;
        if (is_short() && count > 1)
            count /= 2;
    }
    return REAL(pwrite64)(descriptor, bytes, count, offset);
}

int fsync(int descriptor) {
    if (concerns_file(descriptor) && fails("fsync"))
        return -1;
    return REAL(fsync)(descriptor);
}

int fdatasync(int descriptor) {
    if (concerns_file(descriptor) && fails("fdatasync"))
        return -1;
    return REAL(fdatasync)(descriptor);
}

int ftruncate(int descriptor, off_t length) {
    if (concerns_file(descriptor) && fails("ftruncate"))
        return -1;
    return REAL(ftruncate)(descriptor, length);
}

int ftruncate64(int descriptor, off64_t length) {
    if (concerns_file(descriptor) && fails("ftruncate"))
        return -1;
    return REAL(ftruncate64)(descriptor, length);
}

int flock(int descriptor, int operation) {
    if (concerns_file(descriptor) && fails("flock"))
        return -1;
    return REAL(flock)(descriptor, operation);
}

// A descriptor is gone after close, whatever close says.
int close(int descriptor) {
    bool concerned = concerns_file(descriptor);
    if (descriptor >= 0 && descriptor < 4096)
        tracked[descriptor] = false;
    int result = REAL(close)(descriptor);
    return concerned && fails("close") ? -1 : result;
}

int rename(const char *from, const char *to) {
    if (concerns(to) && fails("rename"))
        return -1;
    return REAL(rename)(from, to);
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
    if (concerns(to) && fails("renameat"))
        return -1;
    return REAL(renameat)(from_at, from, to_at, to);
}

int mkdir(const char *path, mode_t mode) {
    if (concerns(path) && fails("mkdir"))
        return -1;
    return REAL(mkdir)(path, mode);
}

int unlink(const char *path) {
    if (concerns(path) && fails("unlink"))
        return -1;
    return REAL(unlink)(path);
}

int rmdir(const char *path) {
    if (concerns(path) && fails("rmdir"))
        return -1;
    return REAL(rmdir)(path);
}
