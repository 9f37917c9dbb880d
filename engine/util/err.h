/*
 * err.h - status codes and the caller-owned error record.
 *
 * Every function that can fail returns wr_status and takes `wr_err *err` as its
 * last parameter.  `err` may be NULL (caller does not want the text).  Nothing
 * here allocates, locks or logs, so it is safe on an out-of-memory path and in
 * any thread; the record belongs to the caller's stack frame.
 */
#ifndef WR_UTIL_ERR_H
#define WR_UTIL_ERR_H

#define WR_NODISCARD       __attribute__((warn_unused_result))
#define WR_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))

typedef enum wr_status {
    WR_OK = 0,
    WR_EINVAL,    /* caller passed something outside the documented domain  */
    WR_EPARSE,    /* outside data is malformed; err->msg says where          */
    WR_ELIMIT,    /* a documented bound was reached                         */
    WR_ENOTFOUND, /* the thing asked for does not exist                     */
    WR_ECONFLICT, /* the same key with other content, or a job already runs */
    WR_ENOCONV,   /* iteration stopped before reaching its tolerance        */
    WR_EIO,       /* file, network or database                              */
    WR_ETIMEOUT,  /* a time limit passed                                    */
    WR_ESTOPPED,  /* the caller asked to stop (Ctrl-C, drain)               */
    WR_ECORRUPT,  /* stored data contradicts its own checksum or invariants */
    WR_ENOMEM,
    WR_STATUS_COUNT
} wr_status;

enum { WR_ERR_MSG_MAX = 320 };

typedef struct wr_err {
    wr_status code;
    char msg[WR_ERR_MSG_MAX]; /* one line, no trailing newline, "" when unset */
} wr_err;

/* Stable lower-case token, e.g. "not_found".  Never NULL. */
const char *wr_status_name(wr_status s);

/*
 * Record an error and return `code`, so that `return wr_fail(...)` is one line.
 * The first error wins: a record that already holds one is left alone, because
 * the innermost message is the one that knows what happened.
 */
wr_status wr_fail(wr_err *err, wr_status code, const char *fmt, ...) WR_PRINTF(3, 4);

/* Append " (while <what>)".  Use at module boundaries only. */
wr_status wr_fail_ctx(wr_err *err, wr_status code, const char *fmt, ...) WR_PRINTF(3, 4);

#ifdef __clang_analyzer__
/* What the analyzer cannot see from outside err.c: these return the code they are given,
 * so that behind WR_TRY an output is there. */
#    define wr_fail(err, code, ...) ((void)(wr_fail)(err, code, __VA_ARGS__), (code))
#    define wr_fail_ctx(err, code, ...) \
        ((void)(wr_fail_ctx)(err, code, __VA_ARGS__), (code))
#endif

/* Leave the function on error.  Pairs with WR_AUTO: owned locals clean up. */
#define WR_TRY(call)                  \
    do {                              \
        wr_status wr_try_s_ = (call); \
        if (wr_try_s_ != WR_OK)       \
            return wr_try_s_;         \
    } while (0)

#endif
