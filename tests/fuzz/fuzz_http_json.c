/*
 * A request as a stranger could send it, through guard, router, parameters and body.
 *
 * Input: "METHOD target\n", header lines, an empty line, the body.  Whatever comes, the
 * answer must be one whole HTTP message whose Content-Length is true, and a problem
 * document must be JSON.  The handler takes the body as POST /transactions does.
 */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/request.h"
#include "codec/transfer_json.h"

enum { ITEMS_MAX = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static wr_transfer_decoder *decoder;

static void put_item(wr_exchange *x, wr_json_out *j, wr_text raw)
{
    wr_transfer_list list;
    wr_field_errors errors = {0};
    wr_err err = {0};
    wr_status s =
        wr_transfer_json_decode(&list, decoder, raw.p, raw.len, &x->arena, &errors, &err);
    if (s != WR_OK) {
        assert(errors.count > 0 && err.msg[0]);
        wr_json_cstr(j, errors.item[0].detail);
        return;
    }
    assert(list.count > 0 && list.item[0].chain);
    wr_json_text(j, list.item[0].from);
}

static wr_status take(wr_exchange *x, wr_err *err)
{
    wr_text item[ITEMS_MAX];
    uint32_t n = 0;
    bool is_many;
    uint32_t limit = 1;
    double least = 0.0;
    int way = 0;
    int64_t from_s = 0;
    wr_query_u32(x, "limit", 1, 9, &limit);
    wr_query_f64(x, "least", 0.0, 1.0, &least);
    wr_query_choice(x, "way", "in|out", &way);
    wr_query_time(x, "from", &from_s);
    WR_TRY(wr_request_check(x, err));
    assert(limit >= 1 && limit <= 9 && least >= 0.0 && least <= 1.0);
    wr_err why = {0};
    if (wr_json_check_bounds(x->body.p ? x->body.p : "", x->body.len, WR_JSON_DEPTH_MAX,
                             1000, &why) != WR_OK ||
        wr_transfer_json_split(item, ITEMS_MAX, &n, &is_many, x->body.p ? x->body.p : "",
                               x->body.len, &why) != WR_OK)
        return wr_refuse(x, err, WR_PROBLEM_MALFORMED_JSON, "%s", why.msg);
    wr_json_out j = wr_exchange_json(x);
    wr_json_open(&j, '[');
    for (uint32_t i = 0; i < n; i++)
        put_item(x, &j, item[i]);
    wr_json_close(&j, ']');
    return WR_OK;
}

static const wr_route table[] = {
    {"POST", "/t/{a}", take, true, "application/json", {"limit", "least", "way", "from"}},
    {"GET", "/t/{a}", take, false, "application/json", {"limit", "least", "way", "from"}},
};

typedef struct stream {
    const char *body;
    size_t len, at;
    char out[1 << 16];
    size_t out_len;
} stream;

static int stream_read(void *ctx, void *buf, size_t len)
{
    stream *s = ctx;
    size_t n = s->len - s->at < len ? s->len - s->at : len;
    memcpy(buf, s->body + s->at, n);
    s->at += n;
    return (int)n;
}

static int stream_write(void *ctx, const void *bytes, size_t len)
{
    stream *s = ctx;
    size_t n = len < sizeof s->out - s->out_len ? len : sizeof s->out - s->out_len;
    memcpy(s->out + s->out_len, bytes, n);
    s->out_len += n;
    return (int)len;
}

static void check_answer(stream *s)
{
    static const char proceed[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *p = s->out;
    const char *end = s->out + s->out_len;
    if (s->out_len > sizeof proceed && memcmp(p, proceed, sizeof proceed - 1) == 0)
        p += sizeof proceed - 1;
    assert(end - p > 12 && memcmp(p, "HTTP/1.1 ", 9) == 0);
    const char *body = memmem(p, (size_t)(end - p), "\r\n\r\n", 4);
    const char *length = memmem(p, (size_t)(end - p), "Content-Length: ", 16);
    assert(body && length && length < body);
    body += 4;
    if (s->out_len == sizeof s->out)
        return; /* longer than what is kept */
    assert(body == end || (size_t)(end - body) == strtoul(length + 16, NULL, 10));
    if (body < end) {
        json_t *j = json_loadb(body, (size_t)(end - body), 0, NULL);
        assert(j);
        json_decref(j);
    }
}

/* Cut at the next '\n' and step over it. */
static char *next_line(char **p)
{
    char *line = *p;
    char *end = strchr(line, '\n');
    *p = end ? end + 1 : line + strlen(line);
    if (end)
        *end = '\0';
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static wr_service service = {
        .table = table, .routes = 2, .body_max_bytes = 4096, .timeout_ms = 1000};
    static wr_exchange *x;
    static stream s;
    static char text[1 << 16];
    const wr_transfer_opts opts = WR_TRANSFER_OPTS_INIT;
    if (!x && (wr_exchange_new(&x, &service, NULL, NULL) != WR_OK ||
               wr_transfer_decoder_new(&decoder, &opts, NULL) != WR_OK))
        abort();
    if (size >= sizeof text || memchr(data, 0, size))
        return 0; /* civetweb refuses NUL in a head; bodies with it are codec's fuzz
                     target */
    memcpy(text, data, size);
    text[size] = '\0';
    char *p = text;
    char *method = next_line(&p);
    char *path = strchr(method, ' ');
    if (!path)
        return 0;
    *path++ = '\0';
    wr_raw_header header[WR_RAW_HEADER_MAX];
    wr_raw_request raw = {
        .method = method, .version = "1.1", .path = path, .header = header};
    char *query = strchr(path, '?');
    if (query) {
        *query++ = '\0';
        raw.query = query;
    }
    while (*p && *p != '\n' && raw.header_count < WR_RAW_HEADER_MAX) {
        char *name = next_line(&p);
        char *colon = strchr(name, ':');
        if (!colon)
            return 0;
        *colon++ = '\0';
        header[raw.header_count++] = (wr_raw_header){.name = name, .value = colon};
    }
    p += *p == '\n';
    s = (stream){.body = p, .len = strlen(p)};
    const wr_wire wire = {.read = stream_read, .write = stream_write, .ctx = &s};
    (void)wr_exchange_serve(x, &raw, &wire);
    check_answer(&s);
    return 0;
}
