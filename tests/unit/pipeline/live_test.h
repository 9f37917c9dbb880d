/*
 * live_test.h - a folder with a store and a compute thread on it.
 */
#ifndef WR_LIVE_TEST_H
#define WR_LIVE_TEST_H

#include "pipeline_test.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/live/live.h"

enum { WAIT_MS = 60000 };

typedef struct fixture {
    char dir[32];
    char dsn[64];
    wr_settings *cfg;
    wr_store *st;
    wr_live *lv;
} fixture;

static inline fixture begin(void)
{
    fixture f = {.dir = "/tmp/wr_live_XXXXXX"};
    assert_non_null(mkdtemp(f.dir));
    (void)snprintf(f.dsn, sizeof f.dsn, "sqlite:%s/w.db", f.dir);
    f.cfg = test_settings();
    f.st = test_store(f.dsn);
    assert_ok(wr_live_open(&f.lv, f.dsn, f.cfg, 0, &err));
    return f;
}

static inline void remove_folder(const char *dir)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
    }
    (void)closedir(d);
    assert_int_equal(rmdir(dir), 0);
}

static inline void end(fixture *f)
{
    wr_live_close(f->lv);
    wr_store_close(f->st);
    wr_settings_unref(f->cfg);
    remove_folder(f->dir);
}

static inline wr_job_status run_job(fixture *f, wr_job_kind kind)
{
    char id[WR_RUN_ID_MAX + 1];
    wr_job_status job;
    assert_ok(wr_live_start(f->lv, kind, id, &err));
    assert_ok(wr_live_wait(f->lv, id, WAIT_MS, &job, &err));
    return job;
}

#endif
