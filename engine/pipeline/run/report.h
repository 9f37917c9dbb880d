/*
 * report.h - results as JSON: the shapes that the API publishes and --json prints.
 *
 * One place for each shape; api/openapi.yaml describes the same (tests hold the two
 * together).  Scores go out as 0..100 with two decimals.  Thread: safe, readers only.
 */
#ifndef WR_PIPELINE_RUN_REPORT_H
#define WR_PIPELINE_RUN_REPORT_H

#include "pipeline/run/evidence.h"
#include "store/store.h"
#include "util/json_out.h"

/*
 * Wallet { id (CAIP-10), chain, address, state, score, level, category, is_labelled,
 *   own_label, run_id, as_of, graph_digest, labels_digest, config_digest, model,
 *   live { seq, has_newer_transfers, is_exact, sending, typologies }, received, sent,
 * balance, probability, novelty, unknown_share, fifo_share, association,
 * association_value, poison_hops_in, poison_hops_out, tx_in, tx_out, counterparties_in,
 * counterparties_out, first_seen, last_seen, exposures: [Exposure], reasons: [Reason] }
 */
void wr_report_wallet(wr_json_out *j, const wr_evidence *e);
/* Short form of lists: id, chain, address, score, level, category, state, is_labelled,
 * reasons. */
void wr_report_wallet_short(wr_json_out *j, const wr_evidence *e);
/* { …, "state": "not_in_graph", "score": null, "level": "unknown" } */
void wr_report_not_in_graph(wr_json_out *j, const wr_assessment *a /* may be NULL */,
                            const wr_chain *chain, wr_text address);
void wr_report_exposures(wr_json_out *j, const wr_evidence *e);
void wr_report_reasons(wr_json_out *j, const wr_evidence *e);
const char *wr_report_reason_kind(wr_reason_kind k); /* "exposure", "typology", … */
/* ReasonTypology { typology, role, hits, strength, transfers, amount, first, last, … } */
void wr_report_typology(wr_json_out *j, const wr_reason_typology *t);
/* Transfer { seq, chain, tx_hash, position, block, time, from, to, asset, amount,
 * decimals, value, is_unpriced, memo } */
void wr_report_transfer(wr_json_out *j, const wr_transfer_row *row);
/* Run { id, kind, status, started_at, finished_at, as_of, max_seq, …, digests, detail }
 */
void wr_report_run(wr_json_out *j, const wr_run *run);
/* One sentence for a terminal: "direct receiving from phishing 12.40 (31.0 %)". */
void wr_report_reason_text(wr_buf *out, const wr_assessment *a, const wr_reason *r);

#endif
