#include "util/progress.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "util/clock.h"

enum { FIRST_SHOWN_US = 1000000, REDRAW_US = 200000 };

static atomic_bool stop_flag;

wr_status wr_progress_at(const wr_progress *pg, const char *phase, uint64_t done,
                         uint64_t total, wr_err *err)
{
    if (!pg)
        return WR_OK;
    if (pg->show)
        pg->show(pg->ctx, phase, done, total);
    if (pg->stop && atomic_load_explicit(pg->stop, memory_order_relaxed))
        return wr_fail(err, WR_ESTOPPED, "stopped on request in %s", phase);
    return WR_OK;
}

/* "950", "12.3 k", "40.0 M", "1.2 G" */
static void format_count(char out[24], double v)
{
    static const char *const unit[] = {"", " k", " M", " G", " T"};
    unsigned u = 0;
    for (; v >= 1000.0 && u + 1 < sizeof unit / sizeof *unit; u++)
        v /= 1000.0;
    (void)snprintf(out, 24, u ? "%.1f%s" : "%.0f%s", v, unit[u]);
}

void wr_progress_line_init(wr_progress_line *l)
{
    *l = (wr_progress_line){.is_tty = isatty(STDERR_FILENO) == 1};
    l->start_us = wr_clock_mono_us();
}

void wr_progress_line_show(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    wr_progress_line *l = ctx;
    if (!l->is_tty)
        return;
    int64_t now_us = wr_clock_mono_us();
    if (phase != l->phase) { /* rate and ETA are of this phase alone */
        l->phase = phase;
        l->phase_base = done;
        l->start_us = l->is_shown ? now_us : l->start_us;
    }
    if ((!l->is_shown && now_us - l->start_us < FIRST_SHOWN_US) ||
        now_us - l->shown_us < REDRAW_US)
        return;
    l->shown_us = now_us;
    l->is_shown = 1;

    double passed_s = (double)(now_us - l->start_us) / 1e6;
    double rate = 0.0;
    if (passed_s > 0.0 && done > l->phase_base)
        rate = (double)(done - l->phase_base) / passed_s;
    char count[24];
    char speed[24];
    char whole[24];
    char rest[96] = "";
    format_count(count, (double)done);
    format_count(speed, rate);
    if (total > 0) {
        format_count(whole, (double)total);
        (void)snprintf(rest, sizeof rest, " / %s  %.0f%%", whole,
                       100.0 * (double)done / (double)total);
    }
    char eta[40] = "";
    if (rate > 0.0 && done < total)
        (void)snprintf(eta, sizeof eta, "  ETA %.0f s", (double)(total - done) / rate);
    (void)fprintf(stderr, "\r\033[K%s  %s%s  %s/s%s", phase, count, rest, speed, eta);
}

void wr_progress_line_done(wr_progress_line *l)
{
    if (l->is_tty && l->is_shown)
        (void)fputs("\r\033[K", stderr);
    l->is_shown = 0;
}

static void on_signal(int sig)
{
    if (atomic_exchange(&stop_flag, true))
        _exit(128 + sig);
}

const atomic_bool *wr_progress_catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    return &stop_flag;
}
