/* What people and programs read about a source. */
#include "wr_test.h"

#include <string.h>

#include "ingest/status_text.h"

static wr_source kafka(void)
{
    return (wr_source){.source = WR_TEXT_LIT("kafka:raw"),
                       .partition = 3,
                       .next_offset = 1205,
                       .status = WR_TEXT_LIT("running"),
                       .records = 1200,
                       .inserted = 1100,
                       .duplicates = 90,
                       .dead = 10,
                       .messages = 1180,
                       .gaps = 20,
                       .first_offset = 5,
                       .high_watermark = 1300,
                       .first_s = 1600000000,
                       .updated_s = 1600000100,
                       .first_record_s = 1500000000,
                       .last_record_s = 1550000000,
                       .rate_per_s = {12, 11.5, 3.25}};
}

static void text_is(const wr_source *s, int64_t now_s, const char *want)
{
    wr_buf b;
    wr_buf_init(&b, 10000);
    wr_status_text(&b, s, now_s);
    assert_string_equal(wr_buf_cstr(&b), want);
    wr_buf_release(&b);
}

static void json_is(const wr_source *s, const char *want)
{
    wr_buf b;
    wr_buf_init(&b, 10000);
    wr_status_json(&b, s);
    assert_string_equal(wr_buf_cstr(&b), want);
    wr_buf_release(&b);
}

static void test_text__a_partition(void **state)
{
    (void)state;
    wr_source s = kafka();
    text_is(&s, 1600000102,
            "kafka:raw/3  running  next 1205 of 1300, lag 95  updated "
            "2020-09-13T12:28:20Z (2 s ago)\n"
            "    records 1200 = inserted 1100 + duplicates 90 + dead 10\n"
            "    offsets 1200 = messages 1180 + gaps 20\n"
            "    first record 2017-07-14T02:40:00Z  last record 2019-02-12T19:33:20Z  "
            "rate 12.0 11.5 3.2 records/s (1, 5, 15 min)\n");
    s.last_error = WR_TEXT_LIT("no route");
    s.records++;
    s.gaps--;
    s.first_record_s = 0;
    s.high_watermark = 0;
    text_is(
        &s, 1600000100 + 86400 * 3,
        "kafka:raw/3  running  next 1205  updated 2020-09-13T12:28:20Z (3 days ago)\n"
        "    records 1201 = inserted 1100 + duplicates 90 + dead 10  DOES NOT ADD UP\n"
        "    offsets 1200 = messages 1180 + gaps 19  DOES NOT ADD UP\n"
        "    last error: no route\n");
}

static void test_text__a_file(void **state)
{
    (void)state;
    const wr_source s = {.source = WR_TEXT_LIT("file:a.csv:1"),
                         .status = WR_TEXT_LIT("complete"),
                         .next_offset = 4,
                         .records = 4,
                         .inserted = 4,
                         .first_offset = -1,
                         .updated_s = 1600000100};
    text_is(&s, 1600000100 + 125,
            "file:a.csv:1/0  complete  next 4  updated 2020-09-13T12:28:20Z (2 min ago)\n"
            "    records 4 = inserted 4 + duplicates 0 + dead 0\n");
    json_is(&s, "{\"source\":\"file:a.csv:1\",\"partition\":0,\"status\":\"complete\","
                "\"first_offset\":null,\"next_offset\":4,\"high_watermark\":null,"
                "\"lag\":null,\"records\":4,\"inserted\":4,\"duplicates\":0,\"dead\":0,"
                "\"messages\":0,\"gaps\":0,\"is_balanced\":true,\"last_error\":null,"
                "\"first_record_at\":null,\"last_record_at\":null,\"rate_1m\":0,"
                "\"rate_5m\":0,\"rate_15m\":0,\"first_at\":null,"
                "\"updated_at\":\"2020-09-13T12:28:20Z\"}");
}

static void test_json__a_partition(void **state)
{
    (void)state;
    wr_source s = kafka();
    s.gaps = 19;
    json_is(&s, "{\"source\":\"kafka:raw\",\"partition\":3,\"status\":\"running\","
                "\"first_offset\":5,\"next_offset\":1205,\"high_watermark\":1300,"
                "\"lag\":95,\"records\":1200,\"inserted\":1100,\"duplicates\":90,"
                "\"dead\":10,\"messages\":1180,\"gaps\":19,\"is_balanced\":false,"
                "\"last_error\":null,\"first_record_at\":\"2017-07-14T02:40:00Z\","
                "\"last_record_at\":\"2019-02-12T19:33:20Z\",\"rate_1m\":12,"
                "\"rate_5m\":11.5,\"rate_15m\":3.25,"
                "\"first_at\":\"2020-09-13T12:26:40Z\","
                "\"updated_at\":\"2020-09-13T12:28:20Z\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_text__a_partition),
        wr_unit_test(test_text__a_file),
        wr_unit_test(test_json__a_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
