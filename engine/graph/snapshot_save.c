#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/snapshot_file_int.h"

typedef struct piece { /* of memory that becomes a section; p NULL = not there */
    const char *name;
    const void *p;
    uint64_t bytes;
} piece;

/* --- what goes into the file ------------------------------------------------------ */

static void list_ids(piece s[WR_SECTION_COUNT], const wr_ids *ids, const char *chains)
{
    if (!ids)
        return;
    const uint64_t n = ids->n;
    static const char none = 0; /* an empty array is there all the same */
    s[WR_SECTION_IDS_CHAIN] =
        (piece){"ids.chain", chains, (uint64_t)ids->chain_count * WR_FILE_CHAIN_BYTES};
    s[WR_SECTION_IDS_CHAIN_OF] =
        (piece){"ids.chain_of", n ? ids->chain_of : (const void *)&none, n};
    s[WR_SECTION_IDS_OFF] = (piece){"ids.text_off", ids->text_off, 8 * (n + 1)};
    s[WR_SECTION_IDS_TEXT] =
        (piece){"ids.text", ids->pool ? ids->pool : &none, ids->text_off[n]};
    s[WR_SECTION_IDS_SLOT] =
        (piece){"ids.slot", ids->slot ? ids->slot : (const void *)&none, 8 * ids->slots};
    s[WR_SECTION_IDS_WALLET] = (piece){"ids.wallet", ids->wallet, 4 * n};
}

static void list_sections(piece s[WR_SECTION_COUNT], const wr_snapshot *g,
                          const char *chains, wr_text note)
{
    const uint64_t m = g->m;
    const uint64_t p = g->pairs;
    const uint64_t off = 4 * (g->n + UINT64_C(1));
    const uint64_t words = wr_bit_words(p);
    const piece graph[] = {
        [WR_SECTION_FROM] = {"from", g->from, 4 * m},
        [WR_SECTION_TO] = {"to", g->to, 4 * m},
        [WR_SECTION_TIME] = {"time", g->time_s, 4 * m},
        [WR_SECTION_VALUE] = {"value", g->value, 8 * m},
        [WR_SECTION_ASSET] = {"asset", g->asset, 2 * m},
        [WR_SECTION_SEQ] = {"seq", g->seq_low, 4 * m},
        [WR_SECTION_OUT_OFF] = {"out.off", g->out_off, off},
        [WR_SECTION_OUT_COL] = {"out.col", g->out_col, 4 * m},
        [WR_SECTION_IN_OFF] = {"in.off", g->in_off, off},
        [WR_SECTION_IN_COL] = {"in.col", g->in_col, 4 * m},
        [WR_SECTION_POUT_OFF] = {"pairs_out.off", g->pout_off, off},
        [WR_SECTION_POUT_NBR] = {"pairs_out.nbr", g->pout_nbr, 4 * p},
        [WR_SECTION_PIN_OFF] = {"pairs_in.off", g->pin_off, off},
        [WR_SECTION_PIN_NBR] = {"pairs_in.nbr", g->pin_nbr, 4 * p},
        [WR_SECTION_PIN_VALUE] = {"pairs_in.value", g->pin_value, 4 * p},
        [WR_SECTION_PAIR_VALUE] = {"pair.value", g->pair_value, 4 * p},
        [WR_SECTION_PAIR_FIRST] = {"pair.first", g->pair_first_s, 4 * p},
        [WR_SECTION_REPEAT_BITS] = {"repeat.bits", g->repeat_bits, 8 * words},
        [WR_SECTION_REPEAT_BEFORE] = {"repeat.before", g->repeat_before, 4 * words},
        [WR_SECTION_REPEAT_COUNT] = {"repeat.count", g->repeat_count, 4 * g->repeats},
        [WR_SECTION_REPEAT_LAST] = {"repeat.last", g->repeat_last_s, 4 * g->repeats},
        [WR_SECTION_HUB] = {"hub", g->hub, 8 * wr_bit_words(g->n)},
        [WR_SECTION_IDS_CHAIN] = {"ids.chain", NULL, 0},
        [WR_SECTION_IDS_CHAIN_OF] = {"ids.chain_of", NULL, 0},
        [WR_SECTION_IDS_OFF] = {"ids.text_off", NULL, 0},
        [WR_SECTION_IDS_TEXT] = {"ids.text", NULL, 0},
        [WR_SECTION_IDS_SLOT] = {"ids.slot", NULL, 0},
        [WR_SECTION_IDS_WALLET] = {"ids.wallet", NULL, 0},
        [WR_SECTION_NOTE] = {"note", note.p ? note.p : "", note.len},
    };
    _Static_assert(sizeof graph / sizeof *graph == WR_SECTION_COUNT, "every section");
    memcpy(s, graph, sizeof graph);
    list_ids(s, g->ids, chains);
}

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + WR_FILE_ALIGN - 1) / WR_FILE_ALIGN * WR_FILE_ALIGN;
}

static wr_status make_header(wr_file_header *h, const wr_snapshot *g,
                             const piece s[WR_SECTION_COUNT], wr_err *err)
{
    *h = (wr_file_header){.byte_order = WR_FILE_BYTE_ORDER,
                          .version = WR_SNAPSHOT_FILE_VERSION,
                          .n = g->n,
                          .sections = WR_SECTION_COUNT,
                          .m = g->m,
                          .pairs = g->pairs,
                          .repeats = g->repeats,
                          .seq_base = g->seq_base};
    memcpy(h->magic, WR_FILE_MAGIC, sizeof h->magic);
    uint64_t at = aligned(sizeof *h);
    for (int k = 0; k < WR_SECTION_COUNT; k++) {
        wr_file_entry *e = &h->entry[k];
        (void)snprintf(e->name, sizeof e->name, "%s", s[k].name);
        if (!s[k].p)
            continue;
        e->offset = at;
        e->bytes = s[k].bytes;
        WR_TRY(wr_digest_array(e->sha256, s[k].p, e->bytes, err));
        at += aligned(e->bytes);
    }
    h->file_bytes = at;
    return wr_digest_array(h->sha256, h, offsetof(wr_file_header, sha256), err);
}

/* --- how it gets there ------------------------------------------------------------- */

typedef struct sink {
    int fd;
    const char *path; /* for messages: the name that the caller gave */
    char *tmp;
} sink;

static wr_status io_failed(const char *path, const char *what, wr_err *err)
{
    const int e = errno;
    char why[128];
    return wr_fail(err, WR_EIO, "%s: %s: %s", path, what, strerror_r(e, why, sizeof why));
}

static wr_status write_all(const sink *k, const void *bytes, uint64_t len, wr_err *err)
{
    enum { ONCE = 1 << 30 }; /* Linux writes at most 2 GiB in one call */
    for (const char *p = bytes; len > 0;) {
        const ssize_t n = write(k->fd, p, len < ONCE ? len : ONCE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return io_failed(k->path, "write", err);
        p += n;
        len -= (uint64_t)n;
    }
    return WR_OK;
}

static wr_status write_padded(const sink *k, const void *bytes, uint64_t len, wr_err *err)
{
    static const char zero[WR_FILE_ALIGN];
    WR_TRY(write_all(k, bytes, len, err));
    return write_all(k, zero, aligned(len) - len, err);
}

/*
 * Open and lock PATH.tmp.  One fixed name, so that a killed writer leaves one file at
 * most and the next writer takes it over; the lock keeps two writers apart.  Between the
 * open and the lock the other may have renamed the file away: then it is not ours to cut.
 */
static wr_status open_tmp(sink *k, wr_err *err)
{
    const size_t len = strlen(k->path) + sizeof ".tmp";
    k->tmp = wr_calloc(len, 1);
    if (!k->tmp)
        return wr_fail(err, WR_ENOMEM, "%s: name", k->path);
    (void)snprintf(k->tmp, len, "%s.tmp", k->path);
    k->fd = open(k->tmp, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (k->fd < 0)
        return io_failed(k->tmp, "open", err);
    struct stat mine;
    struct stat named;
    if (flock(k->fd, LOCK_EX | LOCK_NB) != 0 || fstat(k->fd, &mine) != 0 ||
        stat(k->tmp, &named) != 0 || mine.st_ino != named.st_ino ||
        mine.st_dev != named.st_dev) {
        (void)close(k->fd);
        k->fd = -1;
        return wr_fail(err, WR_ECONFLICT, "%s: another process is writing it", k->path);
    }
    return ftruncate(k->fd, 0) == 0 ? WR_OK : io_failed(k->tmp, "truncate", err);
}

/* The rename itself must survive a power cut. */
static wr_status sync_folder(const sink *k, wr_err *err)
{
    char *slash = strrchr(k->tmp, '/');
    if (slash)
        slash[slash == k->tmp] = '\0'; /* "/x" -> "/", "a/x" -> "a" */
    const int fd = open(slash ? k->tmp : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return io_failed(k->path, "open folder", err);
    const int synced = fsync(fd);
    const wr_status s = synced == 0 ? WR_OK : io_failed(k->path, "sync folder", err);
    (void)close(fd);
    return s;
}

static wr_status write_file(sink *k, const wr_file_header *h,
                            const piece s[WR_SECTION_COUNT], wr_err *err)
{
    WR_TRY(open_tmp(k, err));
    WR_TRY(write_padded(k, h, sizeof *h, err));
    for (int i = 0; i < WR_SECTION_COUNT; i++)
        if (s[i].p)
            WR_TRY(write_padded(k, s[i].p, s[i].bytes, err));
    if (fsync(k->fd) != 0)
        return io_failed(k->path, "sync", err);
    if (rename(k->tmp, k->path) != 0)
        return io_failed(k->path, "rename", err);
    return WR_OK;
}

static wr_status save(const wr_snapshot *g, sink *k, const char *chains, wr_text note,
                      wr_err *err)
{
    piece s[WR_SECTION_COUNT];
    wr_file_header h;
    list_sections(s, g, chains, note);
    WR_TRY(make_header(&h, g, s, err));
    const wr_status st = write_file(k, &h, s, err);
    if (st != WR_OK && k->fd >= 0)
        (void)unlink(k->tmp); /* while the lock is held: it is nobody else's */
    if (k->fd >= 0)
        (void)close(k->fd);
    return st == WR_OK ? sync_folder(k, err) : st;
}

wr_status wr_snapshot_save(const wr_snapshot *g, const char *path, wr_text note,
                           wr_err *err)
{
    assert(g && path);
    if (note.len > WR_SNAPSHOT_NOTE_MAX)
        return wr_fail(err, WR_ELIMIT, "note of %" PRIu32 " bytes (limit %d)", note.len,
                       WR_SNAPSHOT_NOTE_MAX);
    const uint32_t count = g->ids ? g->ids->chain_count : 0;
    WR_AUTO_ARRAY char *chains = wr_calloc(count, WR_FILE_CHAIN_BYTES);
    if (!chains)
        return wr_fail(err, WR_ENOMEM, "%s: chains", path);
    for (uint32_t c = 0; c < count; c++)
        (void)snprintf(chains + (size_t)c * WR_FILE_CHAIN_BYTES, WR_FILE_CHAIN_BYTES,
                       "%s", g->ids->chain[c]->id);
    sink k = {.fd = -1, .path = path};
    const wr_status s = save(g, &k, chains, note, err);
    wr_free(k.tmp);
    return s;
}
