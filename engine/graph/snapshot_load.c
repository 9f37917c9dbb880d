#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/snapshot_file_int.h"

typedef struct loader {
    const char *path;
    void *map;
    size_t bytes;
    const wr_file_header *h; /* at the start of map */
} loader;

/* --- the header -------------------------------------------------------------------- */

static wr_status damaged(const loader *l, int section, const char *what, wr_err *err)
{
    static const char *const name[WR_SECTION_COUNT] = {
        "from",         "to",           "time",           "value",
        "asset",        "seq",          "out.off",        "out.col",
        "in.off",       "in.col",       "pairs_out.off",  "pairs_out.nbr",
        "pairs_in.off", "pairs_in.nbr", "pairs_in.value", "pair.value",
        "pair.first",   "repeat.bits",  "repeat.before",  "repeat.count",
        "repeat.last",  "hub",          "ids.chain",      "ids.chain_of",
        "ids.text_off", "ids.text",     "ids.slot",       "ids.wallet",
        "note",
    };
    return wr_fail(err, WR_ECORRUPT, "%s: section %s: %s", l->path, name[section], what);
}

static wr_status check_identity(const loader *l, wr_err *err)
{
    if (!l->h || l->bytes < sizeof l->h->magic ||
        memcmp(l->h->magic, WR_FILE_MAGIC, sizeof l->h->magic) != 0)
        return wr_fail(err, WR_EPARSE, "%s: not a walletrisk snapshot", l->path);
    if (l->bytes < sizeof *l->h)
        return wr_fail(err, WR_ECORRUPT, "%s: header: cut at %zu bytes", l->path,
                       l->bytes);
    if (l->h->byte_order != WR_FILE_BYTE_ORDER)
        return wr_fail(err, WR_EPARSE, "%s: header: byte order %08" PRIx32, l->path,
                       l->h->byte_order);
    if (l->h->version != WR_SNAPSHOT_FILE_VERSION)
        return wr_fail(err, WR_EPARSE,
                       "%s: snapshot version %" PRIu32 ", this program reads %d", l->path,
                       l->h->version, WR_SNAPSHOT_FILE_VERSION);
    uint8_t sha[WR_SHA256_BYTES];
    WR_TRY(wr_digest_array(sha, l->h, offsetof(wr_file_header, sha256), err));
    if (memcmp(sha, l->h->sha256, sizeof sha) != 0)
        return wr_fail(err, WR_ECORRUPT, "%s: header: wrong digest", l->path);
    if (l->h->file_bytes != l->bytes)
        return wr_fail(err, WR_ECORRUPT, "%s: %zu bytes, header says %" PRIu64, l->path,
                       l->bytes, l->h->file_bytes);
    if (l->h->sections != WR_SECTION_COUNT || l->h->m >= UINT32_MAX ||
        l->h->pairs > l->h->m || l->h->n == UINT32_MAX || l->h->repeats > l->h->pairs)
        return wr_fail(err, WR_ECORRUPT, "%s: header: sizes", l->path);
    return WR_OK;
}

/* Bytes that section k must have; UINT64_MAX = its own business. */
static uint64_t wanted_bytes(const wr_file_header *h, int k)
{
    switch ((wr_file_section)k) {
    case WR_SECTION_FROM:
    case WR_SECTION_TO:
    case WR_SECTION_TIME:
    case WR_SECTION_SEQ:
    case WR_SECTION_OUT_COL:
    case WR_SECTION_IN_COL:
        return 4 * h->m;
    case WR_SECTION_VALUE:
        return 8 * h->m;
    case WR_SECTION_ASSET:
        return 2 * h->m;
    case WR_SECTION_OUT_OFF:
    case WR_SECTION_IN_OFF:
    case WR_SECTION_POUT_OFF:
    case WR_SECTION_PIN_OFF:
        return 4 * (h->n + UINT64_C(1));
    case WR_SECTION_IDS_OFF:
        return 8 * (h->n + UINT64_C(1));
    case WR_SECTION_POUT_NBR:
    case WR_SECTION_PIN_NBR:
    case WR_SECTION_PIN_VALUE:
    case WR_SECTION_PAIR_VALUE:
    case WR_SECTION_PAIR_FIRST:
        return 4 * h->pairs;
    case WR_SECTION_REPEAT_BITS:
        return 8 * wr_bit_words(h->pairs);
    case WR_SECTION_REPEAT_BEFORE:
        return 4 * wr_bit_words(h->pairs);
    case WR_SECTION_REPEAT_COUNT:
    case WR_SECTION_REPEAT_LAST:
        return 4 * h->repeats;
    case WR_SECTION_HUB:
        return 8 * wr_bit_words(h->n);
    case WR_SECTION_IDS_CHAIN_OF:
        return h->n;
    case WR_SECTION_IDS_WALLET:
        return UINT64_C(4) * h->n;
    case WR_SECTION_IDS_CHAIN:
    case WR_SECTION_IDS_TEXT:
    case WR_SECTION_IDS_SLOT:
    case WR_SECTION_NOTE:
    case WR_SECTION_COUNT:
        break;
    }
    return UINT64_MAX;
}

static bool is_there(const wr_file_header *h, int k)
{
    return h->entry[k].offset != 0;
}

static bool may_be_absent(const wr_file_header *h, int k)
{
    return k == WR_SECTION_ASSET || k == WR_SECTION_SEQ || k == WR_SECTION_HUB ||
           k == WR_SECTION_IDS_WALLET ||
           (k >= WR_SECTION_IDS_CHAIN && k <= WR_SECTION_IDS_SLOT &&
            !is_there(h, WR_SECTION_IDS_CHAIN));
}

/* Sections follow each other without overlap, gaps are padding and zero. */
static wr_status check_places(const loader *l, wr_err *err)
{
    const char *p = l->map;
    assert(p);
    uint64_t at = sizeof *l->h;
    for (int k = 0; k < WR_SECTION_COUNT; k++) {
        const wr_file_entry *e = &l->h->entry[k];
        if (!is_there(l->h, k)) {
            if (!may_be_absent(l->h, k) || e->bytes != 0)
                return damaged(l, k, "missing", err);
            continue;
        }
        const uint64_t want = wanted_bytes(l->h, k);
        if (e->offset % WR_FILE_ALIGN != 0 || e->offset < at ||
            e->offset - at >= WR_FILE_ALIGN || e->offset > l->bytes ||
            e->bytes > l->bytes - e->offset || (want != UINT64_MAX && e->bytes != want))
            return damaged(l, k, "wrong place or size", err);
        for (; at < e->offset; at++)
            if (p[at] != 0)
                return damaged(l, k, "padding before it is not zero", err);
        at = e->offset + e->bytes;
    }
    if (l->bytes - at >= WR_FILE_ALIGN)
        return damaged(l, WR_SECTION_NOTE, "more behind it", err);
    for (; at < l->bytes; at++)
        if (p[at] != 0)
            return damaged(l, WR_SECTION_NOTE, "padding behind it is not zero", err);
    return WR_OK;
}

static wr_status check_digests(const loader *l, wr_err *err)
{
    for (int k = 0; k < WR_SECTION_COUNT; k++) {
        const wr_file_entry *e = &l->h->entry[k];
        uint8_t sha[WR_SHA256_BYTES];
        if (!is_there(l->h, k))
            continue;
        WR_TRY(wr_digest_array(sha, (const char *)l->map + e->offset, e->bytes, err));
        if (memcmp(sha, e->sha256, sizeof sha) != 0)
            return damaged(l, k, "wrong digest", err);
    }
    return WR_OK;
}

/* --- arrays ------------------------------------------------------------------------ */

static void *section(const loader *l, int k)
{
    return is_there(l->h, k) ? (char *)l->map + l->h->entry[k].offset : NULL;
}

static void set_arrays(wr_snapshot *g, const loader *l)
{
    g->n = l->h->n;
    g->m = l->h->m;
    g->pairs = l->h->pairs;
    g->repeats = l->h->repeats;
    g->seq_base = l->h->seq_base;
    g->from = section(l, WR_SECTION_FROM);
    g->to = section(l, WR_SECTION_TO);
    g->time_s = section(l, WR_SECTION_TIME);
    g->value = section(l, WR_SECTION_VALUE);
    g->asset = section(l, WR_SECTION_ASSET);
    g->seq_low = section(l, WR_SECTION_SEQ);
    g->out_off = section(l, WR_SECTION_OUT_OFF);
    g->out_col = section(l, WR_SECTION_OUT_COL);
    g->in_off = section(l, WR_SECTION_IN_OFF);
    g->in_col = section(l, WR_SECTION_IN_COL);
    g->pout_off = section(l, WR_SECTION_POUT_OFF);
    g->pout_nbr = section(l, WR_SECTION_POUT_NBR);
    g->pin_off = section(l, WR_SECTION_PIN_OFF);
    g->pin_nbr = section(l, WR_SECTION_PIN_NBR);
    g->pin_value = section(l, WR_SECTION_PIN_VALUE);
    g->pair_value = section(l, WR_SECTION_PAIR_VALUE);
    g->pair_first_s = section(l, WR_SECTION_PAIR_FIRST);
    g->repeat_bits = section(l, WR_SECTION_REPEAT_BITS);
    g->repeat_before = section(l, WR_SECTION_REPEAT_BEFORE);
    g->repeat_count = section(l, WR_SECTION_REPEAT_COUNT);
    g->repeat_last_s = section(l, WR_SECTION_REPEAT_LAST);
    g->hub = section(l, WR_SECTION_HUB);
}

static wr_status set_chains(wr_ids *ids, const loader *l, wr_err *err)
{
    const char *id = section(l, WR_SECTION_IDS_CHAIN);
    const uint64_t bytes = l->h->entry[WR_SECTION_IDS_CHAIN].bytes;
    if (bytes % WR_FILE_CHAIN_BYTES != 0 ||
        bytes / WR_FILE_CHAIN_BYTES > WR_IDS_CHAIN_MAX)
        return damaged(l, WR_SECTION_IDS_CHAIN, "wrong size", err);
    for (uint64_t c = 0; c < bytes / WR_FILE_CHAIN_BYTES;
         c++, id += WR_FILE_CHAIN_BYTES) {
        if (!memchr(id, '\0', WR_FILE_CHAIN_BYTES))
            return damaged(l, WR_SECTION_IDS_CHAIN, "a name without end", err);
        const wr_status s = wr_chain_find(&ids->chain[c], wr_text_of(id), err);
        if (s != WR_OK)
            return wr_fail_ctx(err, s, "loading %s", l->path);
        ids->chain_count++;
    }
    return WR_OK;
}

static wr_status set_ids(wr_snapshot *g, const loader *l, wr_err *err)
{
    if (!is_there(l->h, WR_SECTION_IDS_CHAIN))
        return is_there(l->h, WR_SECTION_IDS_WALLET)
                   ? damaged(l, WR_SECTION_IDS_WALLET, "without the others", err)
                   : WR_OK;
    wr_ids *ids = wr_calloc(1, sizeof *ids);
    if (!ids)
        return wr_fail(err, WR_ENOMEM, "%s: id map", l->path);
    g->ids = ids; /* freed with g from here on */
    ids->is_mapped = true;
    ids->n = l->h->n;
    WR_TRY(set_chains(ids, l, err));
    ids->chain_of = section(l, WR_SECTION_IDS_CHAIN_OF);
    ids->text_off = section(l, WR_SECTION_IDS_OFF);
    ids->pool = section(l, WR_SECTION_IDS_TEXT);
    ids->wallet = section(l, WR_SECTION_IDS_WALLET);
    ids->slot = section(l, WR_SECTION_IDS_SLOT);
    const uint64_t slot_bytes = l->h->entry[WR_SECTION_IDS_SLOT].bytes;
    ids->slots = slot_bytes / sizeof *ids->slot;
    if (slot_bytes % sizeof *ids->slot != 0 || (ids->slots & (ids->slots - 1)) != 0 ||
        (ids->n > 0 && ids->slots < wr_ids_slots_for(ids->n)))
        return damaged(l, WR_SECTION_IDS_SLOT, "wrong size", err);
    if (ids->text_off[ids->n] != l->h->entry[WR_SECTION_IDS_TEXT].bytes)
        return damaged(l, WR_SECTION_IDS_TEXT, "wrong size", err);
    return WR_OK;
}

static wr_status read_note(const loader *l, wr_buf *note, wr_err *err)
{
    const uint64_t bytes = l->h->entry[WR_SECTION_NOTE].bytes;
    if (bytes > WR_SNAPSHOT_NOTE_MAX)
        return damaged(l, WR_SECTION_NOTE, "wrong size", err);
    if (!note)
        return WR_OK;
    wr_buf_add(note, section(l, WR_SECTION_NOTE), bytes);
    return wr_buf_status(note, "note of a snapshot", err);
}

/* --- the whole -----------------------------------------------------------------------
 */

static wr_status open_failed(const char *path, wr_err *err)
{
    const int e = errno;
    char why[128];
    return wr_fail(err, e == ENOENT ? WR_ENOTFOUND : WR_EIO, "%s: %s", path,
                   strerror_r(e, why, sizeof why));
}

/* The file as memory; *map stays NULL when it is empty. */
static wr_status map_file(loader *l, wr_err *err)
{
    const int fd = open(l->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return open_failed(l->path, err);
    struct stat st;
    wr_status s = WR_OK;
    if (fstat(fd, &st) != 0)
        s = open_failed(l->path, err);
    else if (!S_ISREG(st.st_mode))
        s = wr_fail(err, WR_EPARSE, "%s: not a walletrisk snapshot", l->path);
    if (s == WR_OK && st.st_size > 0) {
        l->bytes = (size_t)st.st_size;
        l->map = mmap(NULL, l->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (l->map == MAP_FAILED) {
            l->map = NULL;
            s = open_failed(l->path, err);
        }
    }
    (void)close(fd);
    l->h = l->map;
    return s;
}

static wr_status check_all(const wr_snapshot *g, const loader *l, wr_err *err)
{
    const wr_status s = wr_snapshot_check(g, err);
    return s == WR_OK ? WR_OK : wr_fail_ctx(err, s, "loading %s", l->path);
}

wr_status wr_snapshot_load(wr_snapshot **out, const char *path, wr_buf *note,
                           const wr_snapshot_load_opts *opts, wr_err *err)
{
    assert(out && path);
    const bool is_trusted = opts && opts->is_trusted;
    WR_AUTO(wr_snapshot) g = wr_calloc(1, sizeof *g);
    if (!g)
        return wr_fail(err, WR_ENOMEM, "%s: snapshot", path);
    atomic_init(&g->refs, 1);
    loader l = {.path = path};
    WR_TRY(map_file(&l, err));
    g->map = l.map; /* unmapped with g from here on */
    g->map_bytes = l.bytes;
    WR_TRY(check_identity(&l, err));
    WR_TRY(check_places(&l, err));
    if (!is_trusted)
        WR_TRY(check_digests(&l, err));
    set_arrays(g, &l);
    WR_TRY(set_ids(g, &l, err));
    if (!is_trusted)
        WR_TRY(check_all(g, &l, err));
    WR_TRY(read_note(&l, note, err));
    *out = WR_STEAL(g);
    return WR_OK;
}
