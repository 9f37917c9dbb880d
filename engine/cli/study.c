#include "cli/study.h"

#include "util/clock.h"

static wr_status time_of(uint32_t *out, const char *name, const char *text,
                         uint32_t if_none, wr_err *err)
{
    int64_t t = 0;
    *out = if_none;
    if (!text)
        return WR_OK;
    WR_TRY(wr_time_parse(&t, wr_text_of(text), err));
    if (t < 0 || t >= UINT32_MAX)
        return wr_fail(err, WR_EINVAL, "--%s %s: not a time that a graph can have", name,
                       text);
    *out = (uint32_t)t;
    return WR_OK;
}

static wr_status load_truth(wr_study *s, const wr_study_flags *f, wr_err *err)
{
    if (!f->truth)
        return wr_truth_set_of_labels(&s->truth, &s->labels.seeds, err);
    const wr_chain *chain = NULL;
    WR_TRY(wr_chain_find(&chain, wr_text_of(f->chain), err));
    return wr_truth_set_load(&s->truth, f->truth, chain, s->g, err);
}

wr_status wr_study_open(wr_study *s, wr_cli *cli, const wr_study_flags *f, wr_err *err)
{
    int64_t max_seq = -1;
    *s = (wr_study){0};
    WR_TRY(time_of(&s->from_s, "from", f->from, 0, err));
    WR_TRY(time_of(&s->as_of_s, "as-of", f->as_of, UINT32_MAX, err));
    WR_TRY(wr_settings_load(&s->cfg, &cli->cfg, err));
    WR_TRY(wr_cli_open_store(&s->st, cli, err));
    WR_TRY(wr_load_snapshot(&s->g, s->st, &max_seq, NULL, &cli->pg, err));
    WR_TRY(wr_load_labels(&s->labels, s->st, s->g, &s->cfg->taxonomy, -1, err));
    return load_truth(s, f, err);
}

void wr_study_close(wr_study *s)
{
    wr_truth_set_release(&s->truth);
    wr_label_set_release(&s->labels);
    wr_snapshot_unref(s->g);
    wr_store_close(s->st);
    wr_settings_unref(s->cfg);
    *s = (wr_study){0};
}

wr_train_input wr_study_input(const wr_study *s)
{
    return (wr_train_input){
        .g = s->g, .labels = &s->labels, .truth = &s->truth, .cfg = s->cfg};
}
