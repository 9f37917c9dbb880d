/*
 * contract.h - one suite for every backend of store.h.
 *
 * contract_main.c chooses the store (memory, sqlite, postgres) and runs each group; a
 * test asks ct_open for an empty store and knows nothing else of the backend.  A group is
 * one file, one function; tests that need a second handle on the same database are left
 * out of the list when the store cannot be shared (memory).
 */
#ifndef WR_TEST_CONTRACT_H
#define WR_TEST_CONTRACT_H

#include <stdio.h>
#include <string.h>

#include "store/store.h"
#include "util/buf.h"
#include "wr_test.h"

enum { CT_DSN_MAX = 1024 };

typedef struct contract {
    const char *name;
    bool is_shared; /* a second open of the same DSN sees the same records */
    /* A database without tables that nobody has used; valid until contract_main ends. */
    void (*fresh)(char dsn[CT_DSN_MAX]);
    /* Run SQL on it past the store; NULL when !is_shared. */
    void (*exec)(const char *dsn, const char *sql);
} contract;

extern contract ct;

/* Groups: number of failed tests. */
int contract_schema(void);
int contract_put(void);
int contract_source(void);
int contract_fence(void);
int contract_tail(void);
int contract_read(void);
int contract_label(void);
int contract_run(void);
int contract_model(void);
int contract_random(void);
int contract_kill(void);

/* --- for tests ---------------------------------------------------------------------- */

/* A new empty store with its tables; dsn may be NULL. */
wr_store *ct_open(char dsn[CT_DSN_MAX]);
/* Another handle on the same one. */
wr_store *ct_again(const char *dsn);

const wr_chain *ct_chain(const char *id); /* "opaque:test" when NULL */

/* 64 hex digits made from a number below CT_TX_MAX; lives as long as the program. */
enum { CT_TX_MAX = 8192 };
wr_text ct_hash(unsigned tx);
/* On chain opaque:test, asset "COIN" with 2 decimals, time 1600000000 + tx. */
wr_transfer ct_transfer(unsigned tx, unsigned position, const char *from, const char *to,
                        uint64_t amount);
wr_label ct_label(const char *address, const char *source, const char *category);
wr_run ct_run(const char *id);
/* wr_store_scores_put of an array. */
wr_status ct_scores_put(wr_store *st, const wr_run *run, const wr_score *score, size_t n,
                        wr_err *err);

/* Put without a mark; every transfer must be new. */
void ct_put_new(wr_store *st, const wr_transfer *t, size_t n);

/* Everything the store says of itself, as text: two equal stores give equal texts. */
void ct_dump(wr_store *st, wr_buf *out);

#define assert_text(t, cstr)                                                    \
    do {                                                                        \
        wr_text t_ = (t);                                                       \
        if (!wr_text_eq(t_, wr_text_of(cstr)))                                  \
            fail_msg("%s is '%.*s', wanted '%s'", #t, WR_TEXT_ARG(t_), (cstr)); \
    } while (0)

#define assert_absent(t) assert_null((t).p)

/* The code and a part of the message. */
#define assert_err_says(want, part, call)                                              \
    do {                                                                               \
        wr_err err = {0};                                                              \
        wr_status s_ = (call);                                                         \
        if (s_ != (want) || !strstr(err.msg, (part)))                                  \
            fail_msg("%s: wanted %s '…%s…', got %s '%s'", #call, wr_status_name(want), \
                     (part), wr_status_name(s_), err.msg);                             \
    } while (0)

#endif
