#include "cli/cli.h"

const wr_command wr_cli_commands[] = {
    {"migrate", wr_cmd_migrate, "create or update the tables of the store"},
    {"doctor", wr_cmd_doctor,
     "check store, configuration and counters; say what is wrong"},
    {"labels load", wr_cmd_labels_load, "load label lists"},
    {"labels list", wr_cmd_labels_list, "show labels"},
    {"labels export", wr_cmd_labels_export, "all labels as CSV"},
    {"labels remove", wr_cmd_labels_remove, "end labels of a list or an address"},
    {"score", wr_cmd_score, "compute and publish a scoring run"},
    {"runs", wr_cmd_runs, "list runs"},
    {"verify-run", wr_cmd_verify_run, "recompute a stored run and compare every digest"},
    {"top", wr_cmd_top, "the riskiest wallets, with reasons"},
    {"explain", wr_cmd_explain, "one wallet: exposures, reasons, origins, paths"},
    {"evaluate ranking", wr_cmd_evaluate_ranking,
     "labels on half of the bad: find the others"},
    {"train", wr_cmd_train, "learn a scorer, grade it on later wallets, keep it"},
    {"evaluate model", wr_cmd_evaluate_model, "grade a model on this store's wallets"},
    {"evaluate rules", wr_cmd_evaluate_rules, "grade the score that needs no model"},
    {"evaluate column", wr_cmd_evaluate_column, "grade one feature by itself"},
    {"export", wr_cmd_export, "a wallet's neighbourhood as GraphML, GEXF, CSV or JSON"},
    {0},
};
