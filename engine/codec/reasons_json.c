#include "codec/reasons_json.h"

#include <jansson.h>

static wr_status read_items(const json_t *list, wr_reason_line_fn fn, void *ctx,
                            wr_err *err)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        const json_t *part = json_object_get(item, "part");
        const json_t *message = json_object_get(item, "message");
        if (!json_is_number(part) || !json_is_string(message))
            return wr_fail(err, WR_EPARSE, "reason %zu lacks part or message", i);
        fn(ctx, json_number_value(part),
           (wr_text){.p = json_string_value(message),
                     .len = (uint32_t)json_string_length(message)});
    }
    return WR_OK;
}

wr_status wr_reasons_json_read(wr_text json, wr_reason_line_fn fn, void *ctx, wr_err *err)
{
    json_error_t at;
    json_t *list = json_loadb(json.p ? json.p : "", json.len, 0, &at);
    if (!json_is_array(list)) {
        json_decref(list);
        return wr_fail(err, WR_EPARSE, "stored reasons are no JSON array");
    }
    wr_status s = read_items(list, fn, ctx, err);
    json_decref(list);
    return s;
}
