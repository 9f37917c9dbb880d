#include "ingest/status_text.h"

#include <inttypes.h>

#include "util/clock.h"
#include "util/json_out.h"

static void add_ago(wr_buf *b, int64_t seconds)
{
    static const struct {
        int64_t from_s, unit_s;
        const char *name;
    } unit[] = {{2 * 86400, 86400, "days"}, {2 * 3600, 3600, "h"}, {120, 60, "min"}};
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
        if (seconds >= unit[i].from_s) {
            wr_buf_addf(b, "%" PRId64 " %s ago", seconds / unit[i].unit_s, unit[i].name);
            return;
        }
    wr_buf_addf(b, "%" PRId64 " s ago", seconds > 0 ? seconds : 0);
}

static void add_offsets(wr_buf *b, const wr_source *s)
{
    const int64_t passed = s->next_offset - s->first_offset;
    if (s->first_offset < 0)
        return;
    wr_buf_addf(
        b, "    offsets %" PRId64 " = messages %" PRIu64 " + gaps %" PRIu64 "%s\n",
        passed, s->messages, s->gaps,
        passed >= 0 && (uint64_t)passed == s->messages + s->gaps ? ""
                                                                 : "  DOES NOT ADD UP");
}

static void add_records(wr_buf *b, const wr_source *s)
{
    wr_buf_addf(
        b,
        "    records %" PRIu64 " = inserted %" PRIu64 " + duplicates %" PRIu64
        " + dead %" PRIu64 "%s\n",
        s->records, s->inserted, s->duplicates, s->dead,
        s->records == s->inserted + s->duplicates + s->dead ? "" : "  DOES NOT ADD UP");
}

static void add_times(wr_buf *b, const wr_source *s)
{
    char first[WR_RFC3339_MAX];
    char last[WR_RFC3339_MAX];
    if (!s->first_record_s)
        return;
    wr_time_format(first, s->first_record_s);
    wr_time_format(last, s->last_record_s);
    wr_buf_addf(b,
                "    first record %s  last record %s  rate %.1f %.1f %.1f records/s "
                "(1, 5, 15 min)\n",
                first, last, s->rate_per_s[0], s->rate_per_s[1], s->rate_per_s[2]);
}

void wr_status_text(wr_buf *b, const wr_source *s, int64_t now_s)
{
    char at[WR_RFC3339_MAX];
    const int64_t lag = wr_source_lag(s);
    wr_time_format(at, s->updated_s);
    wr_buf_addf(b, "%.*s/%" PRId32 "  %.*s  next %" PRId64, WR_TEXT_ARG(s->source),
                s->partition, WR_TEXT_ARG(s->status), s->next_offset);
    if (lag >= 0)
        wr_buf_addf(b, " of %" PRId64 ", lag %" PRId64, s->high_watermark, lag);
    wr_buf_addf(b, "  updated %s (", at);
    add_ago(b, now_s - s->updated_s);
    wr_buf_adds(b, ")\n");
    add_records(b, s);
    add_offsets(b, s);
    add_times(b, s);
    if (s->last_error.len)
        wr_buf_addf(b, "    last error: %.*s\n", WR_TEXT_ARG(s->last_error));
}

/* --- JSON ------------------------------------------------------------------------- */

static void put_known(wr_json_out *j, const char *key, int64_t v, bool is_known)
{
    wr_json_key(j, key);
    if (is_known)
        wr_json_i64(j, v);
    else
        wr_json_null(j);
}

void wr_status_json(wr_buf *b, const wr_source *s)
{
    const int64_t lag = wr_source_lag(s);
    wr_json_out j = wr_json_out_on(b);
    wr_json_open(&j, '{');
    wr_json_kv_text(&j, "source", s->source);
    wr_json_kv_i64(&j, "partition", s->partition);
    wr_json_kv_text(&j, "status", s->status);
    put_known(&j, "first_offset", s->first_offset, s->first_offset >= 0);
    wr_json_kv_i64(&j, "next_offset", s->next_offset);
    put_known(&j, "high_watermark", s->high_watermark, s->high_watermark > 0);
    put_known(&j, "lag", lag, lag >= 0);
    wr_json_kv_u64(&j, "records", s->records);
    wr_json_kv_u64(&j, "inserted", s->inserted);
    wr_json_kv_u64(&j, "duplicates", s->duplicates);
    wr_json_kv_u64(&j, "dead", s->dead);
    wr_json_kv_u64(&j, "messages", s->messages);
    wr_json_kv_u64(&j, "gaps", s->gaps);
    wr_json_kv_bool(&j, "is_balanced", wr_source_adds_up(s));
    wr_json_kv_text(&j, "last_error", s->last_error);
    wr_json_kv_time_or(&j, "first_record_at", s->first_record_s, 0);
    wr_json_kv_time_or(&j, "last_record_at", s->last_record_s, 0);
    wr_json_kv_f64(&j, "rate_1m", s->rate_per_s[0]);
    wr_json_kv_f64(&j, "rate_5m", s->rate_per_s[1]);
    wr_json_kv_f64(&j, "rate_15m", s->rate_per_s[2]);
    wr_json_kv_time_or(&j, "first_at", s->first_s, 0);
    wr_json_kv_time_or(&j, "updated_at", s->updated_s, 0);
    wr_json_close(&j, '}');
}
