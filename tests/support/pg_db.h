/*
 * pg_db.h - databases of the private PostgreSQL that tests/support/pg.sh started.
 *
 * Its DSN comes in WALLETRISK_TEST_PG_DSN (pg.sh run; CTest fixture "pg", label
 * integration).  Each test takes a database of its own, so that tests may run side by
 * side.
 */
#ifndef WR_TEST_PG_DB_H
#define WR_TEST_PG_DB_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "store/store.h"

enum { WR_TEST_PG_DSN_MAX = 512 };

/* The server's DSN; fails the test when WALLETRISK_TEST_PG_DSN is not set. */
const char *wr_test_pg_server(void);

/* A new, empty database: its DSN.  Drop it with the same text; sessions on it are ended.
 */
void wr_test_pg_create(char dsn[WR_TEST_PG_DSN_MAX]);
void wr_test_pg_drop(const char *dsn);

/*
 * wr_pg_test(f): a test with a fresh, migrated database behind wr_test_pg_dsn.
 */
#define wr_pg_test(f) \
    cmocka_unit_test_setup_teardown(f, wr_test_pg_setup, wr_test_pg_teardown)
extern char wr_test_pg_dsn[WR_TEST_PG_DSN_MAX];
int wr_test_pg_setup(void **state);
int wr_test_pg_teardown(void **state);
wr_store *wr_test_pg_open(void); /* a handle on it */

/* One statement on conn that must work; the first field of its first row ("" without). */
void wr_test_pg_run(PGconn *conn, const char *sql);
long long wr_test_pg_number(PGconn *conn, const char *sql);
PGconn *wr_test_pg_connect(const char *dsn); /* fails the test when it cannot */

/* `tests/support/pg.sh VERB DIR`; true when it answered 0. */
bool wr_test_pg_script(const char *verb, const char *dir);
/* Contents of DIR/dsn. */
void wr_test_pg_read_dsn(char dsn[WR_TEST_PG_DSN_MAX], const char *dir);

#endif
