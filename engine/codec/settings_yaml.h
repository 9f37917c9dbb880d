/*
 * settings_yaml.h - categories.yaml and policy.yaml -> wr_taxonomy and wr_policy.
 *
 * Strict: unknown keys, ids that repeat, numbers out of range and words that two
 * categories claim are errors with file and line.  Thread: safe.
 */
#ifndef WR_CODEC_SETTINGS_YAML_H
#define WR_CODEC_SETTINGS_YAML_H

#include "model/policy.h"

/* name is for messages.  Errors  WR_EPARSE, WR_ELIMIT (16 categories, 256 words) */
wr_status wr_taxonomy_from_yaml(wr_taxonomy *out, const char *name, const char *text,
                                size_t len, wr_err *err) WR_NODISCARD;

/* Levels must ascend; floors name categories of tx.  The section `typologies` is left
 * to pipeline/input/typology_policy.h. */
wr_status wr_policy_from_yaml(wr_policy *out, const wr_taxonomy *tx, const char *name,
                              const char *text, size_t len, wr_err *err) WR_NODISCARD;

#endif
