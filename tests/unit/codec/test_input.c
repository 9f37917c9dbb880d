#include "codec_test.h"

#define ZLIB_CONST /* next_in points to const bytes */
#include <zlib.h>
#include <zstd.h>

#include "codec/input.h"

enum { SAMPLE = 1000000 };

/* Text that compresses, but not to nothing. */
static char *sample(size_t len)
{
    wr_rng rng = {.s = 7};
    char *p = wr_calloc(len, 1);
    assert_non_null(p);
    for (size_t i = 0; i < len; i++)
        p[i] = (char)('a' + wr_rng_below(&rng, 16));
    return p;
}

static size_t gzip_of(unsigned char *to, size_t cap, const char *from, size_t len)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    z.next_in = (const unsigned char *)from;
    z.avail_in = (uInt)len;
    z.next_out = to;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = cap - z.avail_out;
    (void)deflateEnd(&z);
    return n;
}

/* Reads with a buffer of `piece` bytes until the end or an error. */
static wr_status read_all(const char *path, size_t piece, wr_buf *out,
                          wr_input_info *info, wr_err *err)
{
    WR_AUTO(wr_input) in = NULL;
    WR_TRY(wr_input_open(&in, path, err));
    WR_AUTO_ARRAY char *buf = wr_calloc(piece, 1);
    if (!buf)
        return wr_fail(err, WR_ENOMEM, "test");
    for (;;) {
        size_t got = 0;
        wr_status s = wr_input_read(in, buf, piece, &got, err);
        *info = wr_input_tell(in);
        if (s != WR_OK || !got)
            return s;
        wr_buf_add(out, buf, got);
    }
}

static void expect_bytes(const void *bytes, size_t len, const char *want, size_t want_len,
                         wr_input_kind kind)
{
    static const size_t piece[] = {1, 3, 4096, (size_t)3 << 20};
    const file f = file_of(bytes, len);
    for (size_t i = len > 100000 ? 2 : 0; i < sizeof piece / sizeof *piece; i++) {
        wr_buf out;
        wr_input_info info = {0};
        wr_buf_init(&out, PRINT_MAX);
        assert_ok(read_all(f.path, piece[i], &out, &info, &err));
        assert_int_equal(out.len, want_len);
        if (want_len)
            assert_memory_equal(out.p, want, want_len);
        assert_int_equal(info.kind, kind);
        assert_int_equal(info.file_total, len);
        assert_int_equal(info.file_bytes, len);
        wr_buf_release(&out);
    }
    file_remove(&f);
}

static void test_input_read__plain(void **state)
{
    (void)state;
    char *text = sample(SAMPLE);
    expect_bytes(text, SAMPLE, text, SAMPLE, WR_INPUT_PLAIN);
    expect_bytes("x", 1, "x", 1, WR_INPUT_PLAIN);
    expect_bytes("", 0, "", 0, WR_INPUT_PLAIN);
    wr_free(text);
}

static void test_input_read__gzip_members_and_padding(void **state)
{
    (void)state;
    char *text = sample(SAMPLE);
    unsigned char *zip = wr_calloc(SAMPLE, 2);
    size_t n = gzip_of(zip, SAMPLE, text, 400000);
    n += gzip_of(zip + n, SAMPLE, text + 400000, 0);
    n += gzip_of(zip + n, SAMPLE, text + 400000, SAMPLE - 400000);
    expect_bytes(zip, n, text, SAMPLE, WR_INPUT_GZIP);
    expect_bytes(zip, n + 512, text, SAMPLE, WR_INPUT_GZIP); /* zeros behind */
    n = gzip_of(zip, SAMPLE, "", 0);
    expect_bytes(zip, n, "", 0, WR_INPUT_GZIP);
    wr_free(zip);
    wr_free(text);
}

static void test_input_read__zstd_frames(void **state)
{
    (void)state;
    static const unsigned char skippable[] = {0x50, 0x2a, 0x4d, 0x18, 3, 0,
                                              0,    0,    1,    2,    3};
    char *text = sample(SAMPLE);
    unsigned char *zip = wr_calloc(SAMPLE, 2);
    memcpy(zip, skippable, sizeof skippable);
    size_t n = sizeof skippable;
    n += ZSTD_compress(zip + n, SAMPLE, text, 300000, 3);
    n += ZSTD_compress(zip + n, SAMPLE, text + 300000, SAMPLE - 300000, 3);
    expect_bytes(zip, n, text, SAMPLE, WR_INPUT_ZSTD);
    wr_free(zip);
    wr_free(text);
}

/*
 * Whatever is lost: at least `least` bytes of the text, then WR_ECORRUPT with the file's
 * name.  (Right behind the damage an inflater may give wrong bytes before it notices.)
 */
static void expect_corrupt(const void *bytes, size_t len, const char *text, size_t least,
                           const char *words)
{
    const file f = file_of(bytes, len);
    wr_buf out;
    wr_input_info info = {0};
    wr_err why = {0};
    wr_buf_init(&out, PRINT_MAX);
    assert_int_equal(read_all(f.path, 10000, &out, &info, &why), WR_ECORRUPT);
    assert_non_null(strstr(why.msg, f.path));
    assert_non_null(strstr(why.msg, words));
    assert_non_null(strstr(why.msg, "at byte"));
    assert_true(out.len >= least && out.len <= SAMPLE);
    if (least)
        assert_memory_equal(out.p, text, least);
    wr_buf_release(&out);
    file_remove(&f);
}

static void test_input_read__cut_off(void **state)
{
    (void)state;
    char *text = sample(SAMPLE);
    unsigned char *zip = wr_calloc(SAMPLE, 1);
    size_t n = gzip_of(zip, SAMPLE, text, SAMPLE);
    expect_corrupt(zip, n - 1, text, SAMPLE,
                   "gzip data is cut off"); /* of the checksum */
    expect_corrupt(zip, n / 2, text, SAMPLE / 3, "gzip data is cut off");
    expect_corrupt(zip, 5, text, 0, "gzip data is cut off");
    n = ZSTD_compress(zip, SAMPLE, text, SAMPLE, 3);
    expect_corrupt(zip, n / 2, text, SAMPLE / 4, "zstd data is cut off");
    expect_corrupt(zip, n - 1, text, SAMPLE / 2, "zstd data is cut off");
    wr_free(zip);
    wr_free(text);
}

static void test_input_read__damaged_or_followed_by_rubbish(void **state)
{
    (void)state;
    char *text = sample(SAMPLE);
    unsigned char *zip = wr_calloc(SAMPLE + 10, 1);
    size_t n = gzip_of(zip, SAMPLE, text, SAMPLE);
    static const unsigned char rubbish[] = {104, 101, 108, 108, 111};
    memcpy(zip + n, rubbish, sizeof rubbish);
    expect_corrupt(zip, n + 5, text, SAMPLE, "followed by other bytes");
    expect_corrupt(zip, n + 1, text, SAMPLE, "followed by other bytes");
    zip[n - 6] ^= 1; /* checksum */
    expect_corrupt(zip, n, text, SAMPLE / 2, "gzip data is damaged");
    memset(zip + n / 2, 0xff, 3000);
    expect_corrupt(zip, n, text, SAMPLE / 4, "gzip data is damaged");
    n = ZSTD_compress(zip, SAMPLE, text, SAMPLE, 3);
    memset(zip + n / 2, 0xff, 3000);
    expect_corrupt(zip, n, text, SAMPLE / 4, "zstd data is damaged");
    wr_free(zip);
    wr_free(text);
}

static void test_input_read__failure_stays(void **state)
{
    (void)state;
    unsigned char zip[200];
    const file f = file_of(zip, gzip_of(zip, sizeof zip, "abc", 3) - 3);
    wr_input *in = NULL;
    char buf[10];
    size_t got = 0;
    assert_ok(wr_input_open(&in, f.path, &err));
    assert_ok(wr_input_read(in, buf, sizeof buf, &got, &err));
    assert_int_equal(got, 3);
    assert_err(WR_ECORRUPT, wr_input_read(in, buf, sizeof buf, &got, &err));
    assert_err(WR_ECORRUPT, wr_input_read(in, buf, sizeof buf, &got, &err));
    wr_input_close(in);
    file_remove(&f);
}

static void test_input_open__byte_order_marks(void **state)
{
    (void)state;
    unsigned char zip[200];
    expect_bytes("\xef\xbb\xbf"
                 "a,b\n",
                 7, "a,b\n", 4, WR_INPUT_PLAIN);
    expect_bytes("\xef\xbb\xbf", 3, "", 0, WR_INPUT_PLAIN);
    expect_bytes("\xef\xbb", 2, "\xef\xbb", 2, WR_INPUT_PLAIN);
    expect_bytes(zip, gzip_of(zip, sizeof zip, "\xef\xbb\xbfhi", 5), "hi", 2,
                 WR_INPUT_GZIP);

    const file f = file_of("\xff\xfe"
                           "a\0",
                           4);
    wr_input *in = NULL;
    wr_err why = {0};
    assert_int_equal(wr_input_open(&in, f.path, &why), WR_EPARSE);
    assert_non_null(strstr(why.msg, "UTF-16"));
    assert_null(in);
    file_remove(&f);
}

static void test_input_tell__counts_the_mark(void **state)
{
    (void)state;
    const file f = file_of("\xef\xbb\xbf"
                           "abc",
                           6);
    wr_input *in = NULL;
    char buf[10];
    size_t got = 0;
    assert_ok(wr_input_open(&in, f.path, &err));
    assert_int_equal(wr_input_tell(in).offset, 3);
    assert_ok(wr_input_read(in, buf, 2, &got, &err));
    assert_int_equal(got, 1); /* what open had looked at comes first */
    assert_int_equal(wr_input_tell(in).offset, 4);
    wr_input_close(in);
    file_remove(&f);
}

static void test_input_open__cannot(void **state)
{
    (void)state;
    wr_input *in = NULL;
    wr_err why = {0};
    assert_int_equal(wr_input_open(&in, "/tmp", &why), WR_EIO);
    assert_string_equal(why.msg, "/tmp: is a folder");
    why = (wr_err){0};
    assert_int_equal(wr_input_open(&in, "/tmp/wr_codec_none", &why), WR_EIO);
    assert_non_null(strstr(why.msg, "/tmp/wr_codec_none: No such file"));
    assert_null(in);
    wr_input_close(NULL);
}

static void test_input_open__packed_otherwise(void **state)
{
    (void)state;
    static const char *const first[] = {"PK\3\4....", "\3757zXZ...", "BZh91AY"};
    static const char *const words[] = {
        "is a .zip; give the bytes of 'unzip -p FILE MEMBER' to -", "is xz data",
        "is bzip2 data"};
    for (int i = 0; i < 3; i++) {
        const file f = file_of(first[i], strlen(first[i]));
        wr_input *in = NULL;
        wr_err why = {0};
        assert_int_equal(wr_input_open(&in, f.path, &why), WR_EPARSE);
        assert_non_null(strstr(why.msg, words[i]));
        assert_null(in);
        file_remove(&f);
    }
}

static void test_input_open__stdin(void **state)
{
    (void)state;
    const file f = file_of("piped", 5);
    assert_non_null(freopen(f.path, "r", stdin));
    wr_buf out;
    wr_input_info info = {0};
    wr_buf_init(&out, PRINT_MAX);
    assert_ok(read_all("-", 100, &out, &info, &err));
    assert_string_equal(out.p, "piped");
    wr_buf_release(&out);
    file_remove(&f);
}

static wr_status open_and_read(const char *path, wr_err *err)
{
    WR_AUTO(wr_input) in = NULL;
    char buf[16];
    size_t got = 0;
    WR_TRY(wr_input_open(&in, path, err));
    return wr_input_read(in, buf, sizeof buf, &got, err);
}

static void test_input_open__out_of_memory(void **state)
{
    (void)state;
    unsigned char zip[200];
    const file f = file_of(zip, gzip_of(zip, sizeof zip, "abcdefgh", 8));
    assert_oom_safe(open_and_read(f.path, &err));
    file_remove(&f);
}

static void test_input_kind_name__all(void **state)
{
    (void)state;
    assert_string_equal(wr_input_kind_name(WR_INPUT_PLAIN), "plain");
    assert_string_equal(wr_input_kind_name(WR_INPUT_GZIP), "gzip");
    assert_string_equal(wr_input_kind_name(WR_INPUT_ZSTD), "zstd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_input_read__plain),
        wr_unit_test(test_input_read__gzip_members_and_padding),
        wr_unit_test(test_input_read__zstd_frames),
        wr_unit_test(test_input_read__cut_off),
        wr_unit_test(test_input_read__damaged_or_followed_by_rubbish),
        wr_unit_test(test_input_read__failure_stays),
        wr_unit_test(test_input_open__byte_order_marks),
        wr_unit_test(test_input_tell__counts_the_mark),
        wr_unit_test(test_input_open__cannot),
        wr_unit_test(test_input_open__packed_otherwise),
        wr_unit_test(test_input_open__stdin),
        wr_unit_test(test_input_open__out_of_memory),
        wr_unit_test(test_input_kind_name__all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
