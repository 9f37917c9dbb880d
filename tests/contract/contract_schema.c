#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"
#include "store/migrations_int.h"

static void test_open__unknown_scheme_is_named_without_its_password(void **state)
{
    (void)state;
    wr_store *st = NULL;
    wr_err e = {0};
    assert_int_equal(wr_store_open(&st, "mysql://root:secret@host/db", &e), WR_EINVAL);
    assert_non_null(strstr(e.msg, "'mysql:'"));
    assert_null(strstr(e.msg, "secret"));
    assert_null(st);
    assert_err_says(WR_EINVAL, "names no scheme", wr_store_open(&st, "some.db", &err));
    assert_err_says(WR_EINVAL, "names no scheme", wr_store_open(&st, "", &err));
}

static void test_close__null(void **state)
{
    (void)state;
    wr_store_close(NULL);
}

static void test_kind__is_the_backend(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    const char *want = strcmp(ct.name, "postgres") == 0 ? "postgresql" : ct.name;
    assert_string_equal(wr_store_kind(st), want);
}

static void test_open_ready__creates_nothing(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    wr_store *st = NULL;
    ct.fresh(dsn);
    if (strcmp(ct.name, "sqlite") == 0) {
        const char *path = dsn + strlen("sqlite:");
        char want[CT_DSN_MAX + 64];
        wr_err e = {0};
        assert_int_equal(wr_store_open_ready(&st, dsn, &e), WR_ENOTFOUND);
        (void)snprintf(want, sizeof want, "no database '%s': run walletrisk migrate",
                       path);
        assert_string_equal(e.msg, want);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    wr_store_close(ct_again(dsn)); /* a database now, but no tables */
    assert_err_says(WR_ECONFLICT, "run walletrisk migrate",
                    wr_store_open_ready(&st, dsn, &err));
    assert_null(st);
    if (!ct.is_shared)
        return;
    wr_store_close(ct_open(dsn));
    assert_ok(wr_store_open_ready(&st, dsn, &err));
    wr_store_close(st);
}

static void test_migrate__empty_then_nothing_left(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    wr_migrate_report rep;
    ct.fresh(dsn);
    WR_AUTO(wr_store) st = ct_again(dsn);
    assert_err_says(WR_ECONFLICT, "run walletrisk migrate",
                    wr_store_check_schema(st, &err));
    assert_ok(wr_store_migrate(st, &rep, &err));
    assert_int_equal(rep.before, 0);
    assert_true(rep.after >= 5);
    assert_ok(wr_store_check_schema(st, &err));
    uint32_t newest = rep.after;
    assert_ok(wr_store_migrate(st, &rep, &err));
    assert_int_equal(rep.before, newest);
    assert_int_equal(rep.after, newest);
}

static void test_migrate__empty_tables_answer(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    wr_counts none = {0};
    assert_memory_equal(&c, &none, sizeof c);
}

static void test_operations__without_tables_are_errors(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    ct.fresh(dsn);
    WR_AUTO(wr_store) st = ct_again(dsn);
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    wr_put put = {.transfer = &t, .transfer_count = 1};
    wr_put_result res;
    wr_counts c;
    assert_err(WR_EIO, wr_store_put(st, &put, NULL, &res, &err));
    char id[WR_STORE_ID_HEX + 1];
    assert_err(WR_EIO, wr_store_counts(st, &c, &err));
    assert_err(WR_EIO, wr_store_id(st, id, &err));
    /* and the handle is good once they are there */
    wr_migrate_report rep;
    assert_ok(wr_store_migrate(st, &rep, &err));
    ct_put_new(st, &t, 1);
}

static void test_id__is_random_and_stays(void **state)
{
    (void)state;
    WR_AUTO(wr_store) one = ct_open(NULL);
    WR_AUTO(wr_store) two = ct_open(NULL);
    char id[3][WR_STORE_ID_HEX + 1];
    assert_ok(wr_store_id(one, id[0], &err));
    assert_ok(wr_store_id(two, id[1], &err));
    assert_string_not_equal(id[0], id[1]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(strlen(id[i]), WR_STORE_ID_HEX);
        assert_int_equal(strspn(id[i], "0123456789abcdef"), WR_STORE_ID_HEX);
    }
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    ct_put_new(one, &t, 1);
    assert_ok(wr_store_id(one, id[2], &err));
    assert_string_equal(id[2], id[0]);
}

/* --- with a second handle ----------------------------------------------------------- */

static void test_migrate__records_outlive_the_handle(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    wr_store *st = ct_open(dsn);
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    ct_put_new(st, &t, 1);
    wr_store_close(st);
    WR_AUTO(wr_store) again = ct_again(dsn);
    wr_counts c;
    assert_ok(wr_store_check_schema(again, &err));
    assert_ok(wr_store_counts(again, &c, &err));
    assert_int_equal(c.transfers, 1);
}

static void test_id__is_the_databases_not_the_handles(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    char id[2][WR_STORE_ID_HEX + 1];
    wr_store *st = ct_open(dsn);
    assert_ok(wr_store_id(st, id[0], &err));
    wr_store_close(st);
    WR_AUTO(wr_store) again = ct_again(dsn);
    wr_migrate_report rep;
    assert_ok(wr_store_migrate(again, &rep, &err));
    assert_ok(wr_store_id(again, id[1], &err));
    assert_string_equal(id[1], id[0]);
}

static void test_id__lost_or_cut_is_corrupt(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    char id[WR_STORE_ID_HEX + 1] = "untouched";
    WR_AUTO(wr_store) st = ct_open(dsn);
    ct.exec(dsn,
            "update store_settings set value = substr(value, 2) where name = 'store_id'");
    assert_err_says(WR_ECORRUPT, "not 16 bytes", wr_store_id(st, id, &err));
    ct.exec(dsn, "delete from store_settings where name = 'store_id'");
    assert_err_says(WR_ECORRUPT, "store_id is missing", wr_store_id(st, id, &err));
    assert_string_equal(id, "untouched");
}

/* One starter: exit code 0 when the database ends up complete. */
static int starter(const char *dsn)
{
    wr_store *st = NULL;
    wr_migrate_report rep;
    wr_err err = {0};
    wr_status s = wr_store_open(&st, dsn, &err);
    if (s == WR_OK)
        s = wr_store_migrate(st, &rep, &err);
    if (s == WR_OK)
        s = wr_store_check_schema(st, &err);
    wr_store_close(st);
    if (s != WR_OK)
        (void)fprintf(stderr, "starter: %s\n", err.msg);
    return s == WR_OK ? 0 : 1;
}

static void start_at_once(int n)
{
    char dsn[CT_DSN_MAX];
    pid_t pid[8];
    ct.fresh(dsn);
    for (int i = 0; i < n; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0)
            _exit(starter(dsn));
    }
    int failed = 0;
    for (int i = 0; i < n; i++) {
        int status = 0;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        failed += !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(failed, 0);
    WR_AUTO(wr_store) st = ct_again(dsn);
    assert_ok(wr_store_check_schema(st, &err));
}

static void test_migrate__concurrent_starters(void **state)
{
    (void)state;
    for (int n = 2; n <= 8; n += 3)
        for (int round = 0; round < 3; round++)
            start_at_once(n);
}

static void test_migrate__changed_checksum(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    wr_migrate_report rep = {.before = 77};
    ct.exec(dsn, "update schema_migrations set sha256 = 'badc0ffee' where number = 2");
    assert_err_says(WR_ECORRUPT, "migration 0002", wr_store_migrate(st, &rep, &err));
    assert_err_says(WR_ECORRUPT, "checksum badc0ffee", wr_store_migrate(st, &rep, &err));
    assert_err_says(WR_ECONFLICT, "migration 0002", wr_store_check_schema(st, &err));
    assert_int_equal(rep.before, 77);
}

static void test_migrate__newer_database(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    wr_migrate_report rep;
    ct.exec(dsn, "insert into schema_migrations (number, name, sha256, applied_at) "
                 "select 9000, 'later', 'x', applied_at from schema_migrations "
                 "where number = 1");
    assert_err_says(WR_ECORRUPT, "migration 9000", wr_store_migrate(st, &rep, &err));
    assert_err_says(WR_ECONFLICT, "use the newer program",
                    wr_store_check_schema(st, &err));
}

static void test_migrate__hole_in_the_numbers(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    wr_migrate_report rep;
    ct.exec(dsn, "delete from schema_migrations where number = 1");
    assert_err_says(WR_ECORRUPT, "migration 0001 is missing",
                    wr_store_migrate(st, &rep, &err));
}

/* A migration that cannot run leaves nothing of itself behind. */
static void test_migrate__failing_step_is_undone(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    ct.fresh(dsn);
    ct.exec(dsn, "create table label_revisions (x integer)"); /* in the way of 0002 */
    WR_AUTO(wr_store) st = ct_again(dsn);
    wr_migrate_report rep;
    assert_err_says(WR_EIO, "applying migration 0002", wr_store_migrate(st, &rep, &err));
    ct.exec(dsn, "drop table label_revisions");
    assert_ok(wr_store_migrate(st, &rep, &err));
    assert_int_equal(rep.before, 1);
    assert_ok(wr_store_check_schema(st, &err));
}

/* Records that were there before 0006 are counted by it, and later ones beside them. */
static void test_migrate__totals_of_what_is_there(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 1), ct_transfer(1, 0, "a", "c", 1),
                       ct_transfer(2, 0, "c", "a", 1)};
    wr_put p = {.transfer = t, .transfer_count = 2};
    wr_put_result res;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    assert_int_equal(res.conflicts, 1);
    ct.exec(dsn, "alter table store_totals drop column wallets");
    ct.exec(dsn, "alter table store_totals drop column dead");
    const wr_migration *m = wr_migrations;
    while (m->dialect && (m->number != 6 || strcmp(m->dialect, ct.name) != 0))
        m++;
    assert_non_null(m->dialect);
    ct.exec(dsn, m->sql);

    wr_counts c;
    WR_AUTO(wr_store) again = ct_again(dsn);
    assert_ok(wr_store_counts(again, &c, &err));
    assert_int_equal(c.transfers, 1);
    assert_int_equal(c.wallets, 2);
    assert_int_equal(c.dead, 1);
    p = (wr_put){.transfer = t, .transfer_count = 3};
    assert_ok(wr_store_put(again, &p, NULL, &res, &err));
    assert_ok(wr_store_counts(again, &c, &err));
    assert_int_equal(c.transfers, 2);
    assert_int_equal(c.wallets, 3);
    assert_int_equal(c.dead, 2);
}

int contract_schema(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_open__unknown_scheme_is_named_without_its_password),
        wr_unit_test(test_close__null),
        wr_unit_test(test_kind__is_the_backend),
        wr_unit_test(test_open_ready__creates_nothing),
        wr_unit_test(test_migrate__empty_then_nothing_left),
        wr_unit_test(test_migrate__empty_tables_answer),
        wr_unit_test(test_operations__without_tables_are_errors),
        wr_unit_test(test_id__is_random_and_stays),
    };
    const struct CMUnitTest shared[] = {
        wr_unit_test(test_migrate__records_outlive_the_handle),
        wr_unit_test(test_id__is_the_databases_not_the_handles),
        wr_unit_test(test_id__lost_or_cut_is_corrupt),
        wr_unit_test(test_migrate__concurrent_starters),
        wr_unit_test(test_migrate__changed_checksum),
        wr_unit_test(test_migrate__newer_database),
        wr_unit_test(test_migrate__hole_in_the_numbers),
        wr_unit_test(test_migrate__failing_step_is_undone),
        wr_unit_test(test_migrate__totals_of_what_is_there),
    };
    int failed = cmocka_run_group_tests_name("schema", any, NULL, NULL);
    if (ct.is_shared)
        failed += cmocka_run_group_tests_name("schema, shared", shared, NULL, NULL);
    return failed;
}
