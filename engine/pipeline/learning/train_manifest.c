/* The manifest of a model: where it comes from, how it was made, what it is worth. */
#include "pipeline/learning/train_int.h"
#include "util/json_out.h"

static void put_data(wr_json_out *j, const wr_trainer *t)
{
    wr_json_key(j, "data");
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "graph_digest", t->graph_digest.s);
    wr_json_kv_cstr(j, "labels_digest", t->in->labels->digest.s);
    wr_json_kv_cstr(j, "config_digest", t->in->cfg->digest.s);
    wr_json_kv_cstr(j, "truth_digest", t->in->truth->digest.s);
    wr_json_kv_u64(j, "transfers", wr_snapshot_columns(t->in->g).m);
    wr_json_kv_u64(j, "wallets", wr_snapshot_n(t->in->g));
    wr_json_close(j, '}');
}

static void put_groups(wr_json_out *j, uint32_t groups)
{
    wr_json_key(j, "groups");
    wr_json_open(j, '[');
    for (uint32_t bit = 1; bit < WR_FRAME_ALL; bit *= 2)
        if (groups & bit)
            wr_json_cstr(j, wr_frame_group_name((wr_frame_group)bit));
    wr_json_close(j, ']');
}

static void put_parameters(wr_json_out *j, const wr_trainer *t)
{
    const wr_booster_opts *b = &t->booster_opts;
    wr_json_kv_u64(j, "seed", t->o->seed);
    wr_json_key(j, "parameters");
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "max_depth", b->max_depth);
    wr_json_kv_u64(j, "rounds", b->rounds);
    wr_json_kv_u64(j, "patience", b->patience);
    wr_json_kv_u64(j, "max_bin", b->max_bin);
    wr_json_kv_f64(j, "eta", b->eta);
    wr_json_kv_f64(j, "min_child_weight", b->min_child_weight);
    wr_json_kv_f64(j, "subsample", b->subsample);
    wr_json_kv_f64(j, "colsample_bytree", b->colsample_bytree);
    wr_json_kv_f64(j, "lambda", b->lambda);
    wr_json_kv_f64(j, "base_prob", b->base_prob);
    wr_json_kv_u64(j, "folds", t->o->folds);
    wr_json_kv_u64(j, "embargo_s", t->o->embargo_s);
    wr_json_kv_f64(j, "kept_out", t->o->kept_out);
    wr_json_kv_u64(j, "good_max", t->o->good_max);
    wr_json_close(j, '}');
    wr_json_key(j, "fit");
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "rounds_run", t->fit.rounds_run);
    wr_json_kv_u64(j, "rounds_kept", t->fit.rounds_kept);
    wr_json_kv_f64(j, "ap_valid", t->fit.ap_valid);
    wr_json_close(j, '}');
    wr_json_kv_f64(j, "threshold", t->threshold);
}

static void put_forest(wr_json_out *j, const wr_trainer *t)
{
    wr_json_key(j, "forest_columns");
    wr_json_open(j, '[');
    for (uint32_t k = 0; k < t->forest_columns; k++)
        wr_json_cstr(j, t->name[t->forest_column[k]]);
    wr_json_close(j, ']');
}

static void put_blocks(wr_json_out *j, const wr_trainer *t)
{
    wr_json_key(j, "blocks");
    wr_json_open(j, '[');
    for (int k = 0; k < WR_TRAIN_BLOCKS; k++) {
        const wr_block *b = &t->block[k];
        wr_json_open(j, '{');
        wr_json_kv_cstr(j, "name", b->name);
        wr_json_kv_time(j, "from", b->from_s);
        wr_json_kv_time(j, "to", b->to_s);
        wr_json_kv_u64(j, "rows", b->rows);
        wr_json_kv_u64(j, "bad", b->bad);
        wr_json_kv_u64(j, "incidents", b->incidents);
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
}

static void put_limits(wr_json_out *j, const wr_trainer *t)
{
    static const char *const LIMIT[] = {
        "learned from the crimes of its list of bad wallets: others it may not know",
        "wallets seen for the first time shortly before the run have little behaviour "
        "yet",
        "a wallet's own label has no part in its probability; floors and reasons say it",
        "probabilities hold for data with the share of bad wallets of the calibration "
        "block",
    };
    static const char SAME_TIME[] =
        "graded on crimes of the same time as those learned from, beside later ones: new "
        "ways of hiding may be found less well";
    static const char YOUNG[] =
        "they may be off for wallets that are older than a block is long: calibration "
        "was by wallets first seen in its block";
    wr_json_key(j, "limits");
    wr_json_open(j, '[');
    for (size_t k = 0; k < sizeof LIMIT / sizeof *LIMIT; k++)
        wr_json_cstr(j, LIMIT[k]);
    wr_json_cstr(j, t->share_of ? SAME_TIME : YOUNG);
    wr_json_close(j, ']');
}

void wr_train_manifest(wr_buf *out, const wr_trainer *t)
{
    wr_json_out j = wr_json_out_on(out);
    wr_json_open(&j, '{');
    wr_json_kv_cstr(&j, "kind", wr_feature_kind_name(WR_FEATURE_WALLET));
    wr_json_kv_time(&j, "as_of", t->to_s[WR_TRAIN_TEST]);
    put_data(&j, t);
    put_groups(&j, t->o->groups);
    put_parameters(&j, t);
    put_forest(&j, t);
    put_blocks(&j, t);
    wr_json_key(&j, "metrics");
    wr_json_open(&j, '{');
    wr_grade_json(&j, t->grades, t->in->truth);
    wr_json_close(&j, '}');
    put_limits(&j, t);
    wr_json_close(&j, '}');
}
