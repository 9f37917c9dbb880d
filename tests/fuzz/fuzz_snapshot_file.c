/*
 * Any edits to a small valid snapshot file: no crash, and what loads is a valid graph.
 *
 * Input: flags (bit 0: recompute the digests, as a forger would; bit 1: cut), then edits
 * of three bytes each: offset low, offset high, value.  Edits reach header and sections
 * alike, which random files never would.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../unit/graph/snapshot_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_MAX = 1 << 16 };
static uint8_t base[FILE_MAX];
static size_t base_len;

static wr_status make_graph(wr_snapshot **out)
{
    wr_edges e = {0};
    WR_AUTO(wr_ids) ids = NULL;
    const wr_chain *chain;
    WR_TRY(wr_chain_find(&chain, WR_TEXT_LIT("opaque:fuzz"), NULL));
    WR_TRY(wr_ids_new(&ids, NULL));
    for (uint32_t v = 0; v < 5; v++) {
        char name[] = "tx:0";
        name[3] = (char)('0' + v);
        WR_TRY(wr_ids_add(ids, 2 * v + 1, chain, wr_text_of(v == 2 ? name : name + 2),
                          NULL));
    }
    WR_TRY(wr_edges_reserve(&e, 12, NULL));
    for (uint32_t i = 0; i < 12; i++) {
        e.from[i] = i % 3;
        e.to[i] = (i * 2 + 1) % 5;
        e.time_s[i] = 1600000000 + i / 3;
        e.value[i] = 1.5 * i;
        e.asset[i] = (uint16_t)(i % 2);
        e.seq[i] = 3 * (int64_t)i;
    }
    e.m = 12;
    return wr_snapshot_build(out, &e, WR_STEAL(ids), 0, NULL, NULL);
}

static void make_base(void)
{
    char path[] = "/tmp/wr_fuzz_XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0)
        abort();
    (void)close(fd);
    WR_AUTO(wr_snapshot) g = NULL;
    if (make_graph(&g) != WR_OK ||
        wr_snapshot_save(g, path, WR_TEXT_LIT("note"), NULL) != WR_OK)
        abort();
    FILE *f = fopen(path, "rb");
    if (!f)
        abort();
    base_len = fread(base, 1, sizeof base, f);
    (void)fclose(f);
    (void)unlink(path);
    if (base_len == 0 || base_len == sizeof base)
        abort();
}

static void load(const uint8_t *file, size_t len)
{
    const int fd = memfd_create("snapshot", MFD_CLOEXEC);
    if (fd < 0 || write(fd, file, len) != (ssize_t)len)
        abort();
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    WR_AUTO(wr_snapshot) g = NULL;
    if (wr_snapshot_load(&g, path, NULL, NULL, NULL) == WR_OK &&
        wr_snapshot_check(g, NULL) != WR_OK)
        abort();
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[FILE_MAX];
    if (base_len == 0)
        make_base();
    if (size == 0)
        return 0;
    size_t len = base_len;
    memcpy(file, base, len);
    for (size_t i = 1; i + 2 < size; i += 3)
        file[(data[i] | (size_t)data[i + 1] << 8) % len] = data[i + 2];
    if (data[0] & 2)
        len = (size_t)data[size - 1] * len / 256;
    if (data[0] & 1)
        seal(file, len);
    load(file, len);
    return 0;
}
