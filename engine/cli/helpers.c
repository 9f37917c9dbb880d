#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

wr_status wr_cli_open_store(wr_store **out, const wr_cli *cli, wr_err *err)
{
    return wr_store_open_ready(out, cli->cfg.dsn, err);
}

static void say_kept(void *ctx, wr_kept what, const char *text)
{
    (void)ctx;
    if (what == WR_KEPT_REFUSED || what == WR_KEPT_NOT_WRITTEN)
        (void)fprintf(stderr, "walletrisk: snapshot file %s: %s\n",
                      what == WR_KEPT_REFUSED ? "refused" : "not written", text);
}

wr_keep wr_cli_keep(const wr_cli *cli)
{
    return (wr_keep){.path = cli->cfg.snapshot_file, .fn = say_kept};
}

wr_status wr_cli_restore(wr_assessment **out, wr_store *st, const char *run_id,
                         wr_cli *cli, wr_err *err)
{
    const char *id = run_id ? run_id : "";
    wr_keep keep = wr_cli_keep(cli);
    wr_loaded graph = {0};
    wr_keep_take(&keep, &graph, st, id, INT64_MAX);
    wr_status s = wr_run_restore(out, st, id, &graph, &cli->pg, err);
    wr_loaded_release(&graph);
    wr_progress_line_done(&cli->line);
    return s;
}

wr_status wr_cli_find_wallet(wr_vid *out, const wr_assessment *a, int words, char **word,
                             wr_err *err)
{
    const wr_chain *chain = NULL;
    char address[WR_ADDRESS_MAX + 1];
    size_t len = 0;
    if (words == 2) {
        WR_TRY(wr_chain_find(&chain, wr_text_of(word[0]), err));
        WR_TRY(wr_address_canonical(address, &len, chain, wr_text_of(word[1]), err));
    } else {
        WR_TRY(wr_address_parse_caip10(&chain, address, &len, wr_text_of(word[0]), err));
    }
    const wr_text text = {.p = address, .len = (uint32_t)len};
    const wr_vid v =
        wr_ids_vertex(wr_snapshot_ids(wr_assessment_snapshot(a)), chain, text);
    if (v == WR_VID_NONE)
        return wr_fail(err, WR_ENOTFOUND,
                       "%s:%s is not in the graph of run %s: not scored", chain->id,
                       address, wr_assessment_run(a)->id);
    *out = v;
    return WR_OK;
}

static wr_status write_file(const char *path, const wr_buf *b, wr_err *err)
{
    char temp[4096];
    if ((size_t)snprintf(temp, sizeof temp, "%s.part", path) >= sizeof temp)
        return wr_fail(err, WR_EINVAL, "path of %zu bytes", strlen(path));
    FILE *f = fopen(temp, "wb");
    if (!f)
        return wr_fail(err, WR_EIO, "%s: %s", temp, strerror(errno));
    bool ok = fwrite(b->p, 1, b->len, f) == b->len;
    ok = fclose(f) == 0 && ok;
    if (ok && rename(temp, path) == 0)
        return WR_OK;
    int why = errno;
    (void)unlink(temp);
    return wr_fail(err, WR_EIO, "%s: %s", path, strerror(why));
}

wr_status wr_cli_write(const char *path, const wr_buf *b, wr_err *err)
{
    if (path && strcmp(path, "-") != 0)
        return write_file(path, b, err);
    if (fwrite(wr_buf_cstr(b), 1, b->len, stdout) != b->len || fflush(stdout) != 0)
        return wr_fail(err, WR_EIO, "stdout: %s", strerror(errno));
    return WR_OK;
}

wr_text wr_cli_who(const char *by)
{
    const char *const try[] = {by, getenv("USER"), getenv("LOGNAME")};
    for (size_t i = 0; i < sizeof try / sizeof *try; i++)
        if (try[i] && try[i][0])
            return wr_text_of(try[i]);
    return WR_TEXT_LIT("unknown");
}
