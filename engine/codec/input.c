#include "codec/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum {
    IN_BYTES = 256 * 1024, /* compressed bytes asked for at once */
    MAGIC_BYTES = 512,     /* of the file, looked at first */
    HEAD_BYTES = 4,        /* decompressed bytes looked at in open */
    PATH_SHOWN = 120,
    PIECE_BYTES = 512 * 1024,
    PIECE_COUNT = 64
};

struct wr_input {
    char path[PATH_SHOWN + 1]; /* its end, for messages */
    int fd;
    bool is_stdin, is_regular;
    bool is_eof; /* the file has no more bytes */
    wr_input_kind kind;
    uint64_t offset, file_bytes, file_total;
    unsigned char *in; /* [in_cap] */
    size_t in_pos, in_len, in_cap;
    unsigned char head[HEAD_BYTES]; /* decompressed, not yet delivered */
    size_t head_pos, head_len;
    z_stream z;
    bool is_z_open;
    ZSTD_DStream *zs;
    bool is_in_frame; /* between the start and the end of a member or frame */
    wr_err failed;    /* sticky; code WR_OK while fine */
};

const char *wr_input_kind_name(wr_input_kind k)
{
    static const char *const name[] = {"plain", "gzip", "zstd"};
    return name[k];
}

wr_input_info wr_input_tell(const wr_input *in)
{
    return (wr_input_info){.kind = in->kind,
                           .offset = in->offset,
                           .file_bytes = in->file_bytes - (in->in_len - in->in_pos),
                           .file_total = in->file_total};
}

/*
 * Big reads of a regular file in pieces on all threads: copying out of the page cache is
 * a good part of loading a plain file.  Positions are file_bytes; nothing else reads it.
 */
static wr_status read_pieces(wr_input *in, char *buf, size_t cap, size_t *got)
{
    ssize_t piece[PIECE_COUNT];
    int why[PIECE_COUNT] = {0};
    const size_t most = (size_t)PIECE_COUNT * PIECE_BYTES;
    const size_t want = cap < most ? cap : most;
    const size_t n = (want + PIECE_BYTES - 1) / PIECE_BYTES;
    const uint64_t at = in->file_bytes;
    const int fd = in->fd;
#pragma omp parallel for schedule(dynamic, 1) default(none) \
    shared(piece, why, n, at, fd, buf, want) if (n > 1)
    for (size_t i = 0; i < n; i++) {
        const size_t from = i * PIECE_BYTES;
        const size_t len = want - from < PIECE_BYTES ? want - from : PIECE_BYTES;
        do {
            piece[i] = pread(fd, buf + from, len, (off_t)(at + from));
        } while (piece[i] < 0 && errno == EINTR);
        why[i] = piece[i] < 0 ? errno : 0;
    }
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        if (why[i] && !total)
            return wr_fail(&in->failed, WR_EIO, "%s: %s", in->path, strerror(why[i]));
        if (piece[i] <= 0)
            break;
        total += (size_t)piece[i];
        if (piece[i] < PIECE_BYTES)
            break;
    }
    in->file_bytes += total;
    in->is_eof = total == 0;
    *got = total;
    return WR_OK;
}

/* read(2) that restarts; *got == 0 is the end of the file. */
static wr_status read_fd(wr_input *in, void *buf, size_t cap, size_t *got)
{
    ssize_t n;
    if (in->is_regular)
        return read_pieces(in, buf, cap, got);
    do {
        n = read(in->fd, buf, cap);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return wr_fail(&in->failed, WR_EIO, "%s: %s", in->path, strerror(errno));
    in->file_bytes += (uint64_t)n;
    in->is_eof = n == 0;
    *got = (size_t)n;
    return WR_OK;
}

static wr_status in_reserve(wr_input *in, size_t bytes)
{
    unsigned char *p = wr_grow(in->in, &in->in_cap, bytes, 1);
    if (!p)
        return wr_fail(&in->failed, WR_ENOMEM, "%s: no memory to read", in->path);
    in->in = p;
    return WR_OK;
}

/* Room for more compressed bytes: the unread ones move to the front. */
static wr_status fill(wr_input *in)
{
    size_t left = in->in_len - in->in_pos;
    memmove(in->in, in->in + in->in_pos, left);
    in->in_pos = 0;
    in->in_len = left;
    size_t got = 0;
    WR_TRY(read_fd(in, in->in + left, in->in_cap - left, &got));
    in->in_len += got;
    return WR_OK;
}

static wr_status corrupt(wr_input *in, const char *what)
{
    return wr_fail(&in->failed, WR_ECORRUPT,
                   "%s: %s %s at byte %llu of the file (%llu decompressed)", in->path,
                   wr_input_kind_name(in->kind), what,
                   (unsigned long long)wr_input_tell(in).file_bytes,
                   (unsigned long long)in->offset);
}

static wr_status read_plain(wr_input *in, void *buf, size_t cap, size_t *got)
{
    size_t n = in->in_len - in->in_pos;
    if (!n)
        return in->is_eof ? WR_OK : read_fd(in, buf, cap, got);
    n = n < cap ? n : cap;
    memcpy(buf, in->in + in->in_pos, n);
    in->in_pos += n;
    *got = n;
    return WR_OK;
}

/* Between members: another one, zero padding (tar, tape) or the end. */
static wr_status next_member(wr_input *in, bool *is_end)
{
    if (in->in_len - in->in_pos < 2 && !in->is_eof)
        WR_TRY(fill(in));
    while (in->in_pos < in->in_len && in->in[in->in_pos] == 0) {
        in->in_pos++;
        if (in->in_pos == in->in_len && !in->is_eof)
            WR_TRY(fill(in));
    }
    if (in->in_len - in->in_pos == 1 && !in->is_eof)
        WR_TRY(fill(in));
    *is_end = in->in_pos == in->in_len;
    if (*is_end)
        return WR_OK;
    const unsigned char *p = in->in + in->in_pos;
    if (in->in_len - in->in_pos < 2 || p[0] != 0x1f || p[1] != 0x8b)
        return corrupt(in, "data is followed by other bytes");
    if (inflateReset(&in->z) != Z_OK)
        return corrupt(in, "state is broken");
    in->is_in_frame = true;
    return WR_OK;
}

static wr_status read_gzip(wr_input *in, void *buf, size_t cap, size_t *got)
{
    in->z.next_out = buf;
    in->z.avail_out = cap < UINT32_MAX ? (uInt)cap : UINT32_MAX;
    const size_t room = in->z.avail_out;
    while (in->z.avail_out == room) {
        if (!in->is_in_frame) {
            bool is_end = false;
            WR_TRY(next_member(in, &is_end));
            if (is_end)
                return WR_OK;
        }
        if (in->in_pos == in->in_len && !in->is_eof)
            WR_TRY(fill(in));
        if (in->in_pos == in->in_len)
            return corrupt(in, "data is cut off");
        in->z.next_in = in->in + in->in_pos;
        in->z.avail_in = (uInt)(in->in_len - in->in_pos);
        int rc = inflate(&in->z, Z_NO_FLUSH);
        in->in_pos = in->in_len - in->z.avail_in;
        *got = room - in->z.avail_out;
        if (rc == Z_STREAM_END)
            in->is_in_frame = false;
        else if (rc == Z_MEM_ERROR)
            return wr_fail(&in->failed, WR_ENOMEM, "%s: no memory to inflate", in->path);
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            return corrupt(in, "data is damaged");
    }
    return WR_OK;
}

static wr_status read_zstd(wr_input *in, void *buf, size_t cap, size_t *got)
{
    ZSTD_outBuffer to = {.dst = buf, .size = cap};
    while (to.pos == 0) {
        if (in->in_pos == in->in_len && !in->is_eof)
            WR_TRY(fill(in));
        if (in->in_pos == in->in_len && !in->is_in_frame)
            return WR_OK;
        const bool is_starved = in->in_pos == in->in_len;
        ZSTD_inBuffer from = {.src = in->in, .size = in->in_len, .pos = in->in_pos};
        size_t rc = ZSTD_decompressStream(in->zs, &to, &from);
        in->in_pos = from.pos;
        *got = to.pos;
        if (ZSTD_isError(rc))
            return corrupt(in, "data is damaged");
        in->is_in_frame = rc != 0;
        if (is_starved && to.pos == 0 && rc != 0)
            return corrupt(in, "data is cut off");
    }
    return WR_OK;
}

/* Decoded bytes behind `head`; what came before a failure is delivered first. */
static wr_status read_more(wr_input *in, void *buf, size_t cap, size_t *got)
{
    *got = 0;
    if (in->failed.code != WR_OK)
        return in->failed.code;
    wr_status s = in->kind == WR_INPUT_GZIP   ? read_gzip(in, buf, cap, got)
                  : in->kind == WR_INPUT_ZSTD ? read_zstd(in, buf, cap, got)
                                              : read_plain(in, buf, cap, got);
    return *got ? WR_OK : s;
}

wr_status wr_input_read(wr_input *in, void *buf, size_t cap, size_t *got, wr_err *err)
{
    assert(in);
    *got = 0;
    size_t n = in->head_len - in->head_pos;
    wr_status s = WR_OK;
    if (n) {
        n = n < cap ? n : cap;
        memcpy(buf, in->head + in->head_pos, n);
        in->head_pos += n;
    } else {
        s = read_more(in, buf, cap, &n);
    }
    if (s != WR_OK)
        return wr_fail(err, s, "%s", in->failed.msg);
    in->offset += n;
    *got = n;
    return WR_OK;
}

static void *z_alloc(void *ctx, uInt count, uInt size)
{
    (void)ctx;
    return wr_calloc(count, size);
}

static void z_free(void *ctx, void *p)
{
    (void)ctx;
    wr_free(p);
}

/* Packed in a way that is not read here: say what unpacks it. */
static wr_status refuse_packed(wr_input *in)
{
    static const struct {
        const char *magic, *is, *helps;
    } packed[] = {{"PK\3\4", "a .zip", "unzip -p FILE MEMBER"},
                  {"\3757zX", "xz data", "xz -dc FILE"},
                  {"BZh", "bzip2 data", "bzip2 -dc FILE"}};
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++) {
        const size_t len = strlen(packed[i].magic);
        if (in->in_len >= len && memcmp(in->in, packed[i].magic, len) == 0)
            return wr_fail(&in->failed, WR_EPARSE,
                           "%s: is %s; give the bytes of '%s' to -", in->path,
                           packed[i].is, packed[i].helps);
    }
    return WR_OK;
}

/* Magic bytes decide; a zstd file may start with a skippable frame (50..5f 2a 4d 18). */
static wr_status detect(wr_input *in)
{
    while (in->in_len < 4 && !in->is_eof)
        WR_TRY(fill(in));
    WR_TRY(refuse_packed(in));
    const unsigned char *p = in->in;
    if (in->in_len >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
        in->kind = WR_INPUT_GZIP;
        in->z.zalloc = z_alloc;
        in->z.zfree = z_free;
        if (inflateInit2(&in->z, 15 + 16) != Z_OK)
            return wr_fail(&in->failed, WR_ENOMEM, "%s: no memory to inflate", in->path);
        in->is_z_open = true;
        in->is_in_frame = true;
    } else if (in->in_len >= 4 &&
               ((p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd) ||
                ((p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d &&
                 p[3] == 0x18))) {
        in->kind = WR_INPUT_ZSTD;
        in->zs = ZSTD_createDStream();
        if (!in->zs)
            return wr_fail(&in->failed, WR_ENOMEM, "%s: no memory for zstd", in->path);
        in->is_in_frame = true;
    }
    return WR_OK;
}

/* Looks at the first decoded bytes; a failure here stays for the first read. */
static wr_status drop_mark(wr_input *in, wr_err *err)
{
    while (in->head_len < HEAD_BYTES) {
        size_t got = 0;
        (void)read_more(in, in->head + in->head_len, HEAD_BYTES - in->head_len, &got);
        if (!got)
            break;
        in->head_len += got;
    }
    const unsigned char *p = in->head;
    if (in->head_len >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) {
        in->head_pos = 3;
        in->offset = 3;
    } else if (in->head_len >= 2 &&
               ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff))) {
        return wr_fail(err, WR_EPARSE, "%s: text is UTF-16; convert it to UTF-8 (iconv)",
                       in->path);
    }
    return WR_OK;
}

static wr_status open_fd(wr_input *in, const char *path)
{
    in->is_stdin = strcmp(path, "-") == 0;
    in->fd = in->is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (in->fd < 0 || fstat(in->fd, &st) != 0)
        return wr_fail(&in->failed, WR_EIO, "%s: %s", in->path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return wr_fail(&in->failed, WR_EIO, "%s: is a folder", in->path);
    if (S_ISREG(st.st_mode)) {
        in->file_total = (uint64_t)st.st_size;
        in->is_regular = !in->is_stdin; /* stdin may stand in the middle of a file */
        (void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    return WR_OK;
}

wr_status wr_input_open(wr_input **out, const char *path, wr_err *err)
{
    WR_AUTO(wr_input) in = wr_calloc(1, sizeof *in);
    if (!in)
        return wr_fail(err, WR_ENOMEM, "no memory to open a file");
    in->fd = -1;
    size_t len = strlen(path);
    const char *shown = len > PATH_SHOWN ? path + len - PATH_SHOWN : path;
    memcpy(in->path, strcmp(path, "-") ? shown : "stdin",
           1 + (strcmp(path, "-") ? strlen(shown) : 5));
    wr_status s = in_reserve(in, MAGIC_BYTES);
    if (s == WR_OK)
        s = open_fd(in, path);
    if (s == WR_OK)
        s = detect(in);
    if (s == WR_OK && in->kind != WR_INPUT_PLAIN)
        s = in_reserve(in, IN_BYTES);
    if (s != WR_OK)
        return wr_fail(err, s, "%s", in->failed.msg);
    WR_TRY(drop_mark(in, err));
    *out = WR_STEAL(in);
    return WR_OK;
}

void wr_input_close(wr_input *in)
{
    if (!in)
        return;
    if (in->fd >= 0 && !in->is_stdin)
        (void)close(in->fd);
    if (in->is_z_open)
        (void)inflateEnd(&in->z);
    ZSTD_freeDStream(in->zs);
    wr_free(in->in);
    wr_free(in);
}

wr_status wr_input_read_all(wr_buf *out, const char *path, wr_err *err)
{
    WR_AUTO(wr_input) in = NULL;
    WR_TRY(wr_input_open(&in, path, err));
    char chunk[65536];
    for (;;) {
        size_t got = 0;
        WR_TRY(wr_input_read(in, chunk, sizeof chunk, &got, err));
        if (!got)
            return wr_buf_status(out, path, err);
        wr_buf_add(out, chunk, got);
    }
}
