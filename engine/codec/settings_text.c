#include "codec/settings_text.h"

#include <jansson.h>

static wr_status read_text(wr_text *out, const json_t *root, const char *key,
                           wr_arena *arena, wr_err *err)
{
    const json_t *v = json_object_get(root, key);
    if (!json_is_string(v))
        return wr_fail(err, WR_EPARSE, "settings: '%s' is no text", key);
    *out = wr_arena_text(arena, (wr_text){.p = json_string_value(v),
                                          .len = (uint32_t)json_string_length(v)});
    return out->p ? WR_OK : wr_fail(err, WR_ENOMEM, "settings: '%s'", key);
}

static wr_status read_root(wr_text *categories, wr_text *policy, wr_text *model,
                           wr_settings_option *option, size_t count, const json_t *root,
                           wr_arena *arena, wr_err *err)
{
    WR_TRY(read_text(categories, root, "categories_yaml", arena, err));
    WR_TRY(read_text(policy, root, "policy_yaml", arena, err));
    *model = (wr_text){0};
    if (json_object_get(root, "model"))
        WR_TRY(read_text(model, root, "model", arena, err));
    const json_t *options = json_object_get(root, "options");
    if (!json_is_object(options) || json_object_size(options) != count)
        return wr_fail(err, WR_EPARSE, "settings: 'options' must hold %zu numbers",
                       count);
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_object_get(options, option[i].name);
        if (!json_is_number(v))
            return wr_fail(err, WR_EPARSE, "settings: option '%s' is no number",
                           option[i].name);
        option[i].value = json_number_value(v);
    }
    return WR_OK;
}

wr_status wr_settings_text_read(wr_text *categories, wr_text *policy, wr_text *model,
                                wr_settings_option *option, size_t count,
                                const char *json_text, wr_arena *arena, wr_err *err)
{
    json_error_t at;
    json_t *root = json_loads(json_text, JSON_REJECT_DUPLICATES, &at);
    if (!root)
        return wr_fail(err, WR_EPARSE, "settings: line %d: %s", at.line, at.text);
    wr_status s = read_root(categories, policy, model, option, count, root, arena, err);
    json_decref(root);
    return s;
}
