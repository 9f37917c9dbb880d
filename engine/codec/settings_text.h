/*
 * settings_text.h - the canonical JSON that a run keeps of its configuration, read back.
 *
 * { "categories_yaml": "...", "policy_yaml": "...", "options": { name: number, … },
 *   "model": digest }, the last only when one scores.
 * Written by pipeline/input/settings.c.  Thread: safe.
 */
#ifndef WR_CODEC_SETTINGS_TEXT_H
#define WR_CODEC_SETTINGS_TEXT_H

#include "util/arena.h"

typedef struct wr_settings_option {
    const char *name;
    double value; /* out */
} wr_settings_option;

/*
 * categories, policy   the two YAML texts, copied into arena
 * option               [count] every one must be there, and no other
 * model                absent when no model is named
 * Errors  WR_EPARSE (names the key), WR_ENOMEM
 */
wr_status wr_settings_text_read(wr_text *categories, wr_text *policy, wr_text *model,
                                wr_settings_option *option, size_t count,
                                const char *json_text, wr_arena *arena,
                                wr_err *err) WR_NODISCARD;

#endif
