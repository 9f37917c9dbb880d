/*
 * Worker stacks of 1 MiB.
 *
 * Debian's civetweb asks for 100 KiB per worker (CIVETWEB_THREAD_STACK_SIZE), which a
 * deep parse or a TLS record buffer overruns: a remote crash.  The executable defines
 * pthread_attr_setstacksize and is linked with -rdynamic, so that the library's call
 * finds this one first.  Smaller wishes are raised, larger ones kept.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

enum { STACK_BYTES = 1 << 20 };

typedef int (*setter)(pthread_attr_t *, size_t);

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the C library's */
int pthread_attr_setstacksize(pthread_attr_t *attr, size_t bytes)
{
    void *next = dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
    setter set;
    if (!next)
        return 22; /* EINVAL: civetweb then takes the default, which is larger */
    memcpy(&set, &next, sizeof set); /* ISO C has no cast from object to function */
    return set(attr, bytes < STACK_BYTES ? STACK_BYTES : bytes);
}
