#!/usr/bin/env python3
"""Replay flows with exact rationals and hold the engine's ledger to the result.

stdin: what tests/unit/scoring/test_ledger_exact.c prints - flows, and what the engine
made of them.  Money is compared relative to what the wallet received in all (1e-12), hops
to 1e-3.  The conservation identity is checked exactly on the replay itself, so that the
reference proves the rule and the engine is proved by the reference.
"""
import sys
from collections import defaultdict
from fractions import Fraction as F

TOL, HOPS_TOL, SHARE_TOL = F(1, 10**12), 1e-3, 2e-7
SERVICE = 2


def num(text):
    return F(float.fromhex(text))


class Held:
    """One (wallet, asset)."""
    def __init__(self):
        self.balance = self.unknown = F(0)
        self.taint = defaultdict(F)     # category -> money
        self.moment = defaultdict(F)    # category -> money x hops
        self.near = {}                  # category -> fewest hops
        self.through = defaultdict(F)   # hubs: straight from a label

    def pay(self, a):
        """Takes a out: (what of each goes, missing)."""
        missing = max(a - self.balance, F(0))
        f = F(1) if a >= self.balance else a / self.balance
        gone = []
        for part in (self.taint, self.moment, self.through):
            gone.append({c: f * x for c, x in part.items()})
            for c in part:
                part[c] -= f * part[c]
        near = dict(self.near)
        unknown = f * self.unknown
        self.unknown -= unknown
        self.balance = max(self.balance - a, F(0))
        if f == 1:
            self.near = {}
        return gone, near, unknown + missing, missing


class Flow:
    def __init__(self, head, lines):
        self.seed, self.sending, self.n, self.c = head[1], head[2] == "1", int(head[3]), int(head[4])
        self.kind = [int(k) for k in head[5:]]
        self.hub, self.label, self.move = set(), {}, []
        self.held, self.by_wallet = defaultdict(Held), defaultdict(list)
        self.total, self.overdraft, self.got_unknown = (defaultdict(F) for _ in range(3))
        self.got, self.direct, self.moment = (defaultdict(F) for _ in range(3))
        self.near, self.share = {}, defaultdict(F)
        self.injected, self.absorbed = defaultdict(F), defaultdict(F)
        self.phi = {}
        for w in lines:
            if w[0] == "H":
                self.hub.add(int(w[1]))
            elif w[0] == "L":
                self.label[int(w[1])] = (int(w[2]), num(w[3]), int(w[4]), int(w[5]))
            elif w[0] == "T":
                self.move.append((int(w[1]), int(w[2]), int(w[3]), num(w[4]), int(w[5])))

    def label_at(self, v, t):
        lab = self.label.get(v)
        return lab if lab and lab[2] <= t < lab[3] else None

    def replay(self):
        order = range(len(self.move))
        for i in (reversed(order) if self.sending else order):
            u, v, t, a, asset = self.move[i]
            if self.sending:
                u, v = v, u
            if u != v and a > 0:
                self.step(i, u, v, t, a, asset)

    def step(self, i, u, v, t, a, asset):
        hop = 0 if v in self.hub else 1
        src, stop = self.label_at(u, t), self.label_at(v, t)
        phi, moment, direct, near, unknown = {}, {}, {}, {}, F(0)
        if src:
            c, amount = src[0], src[1] * a
            direct[c] = amount
            if self.kind[c] != SERVICE and amount > 0:
                phi[c], moment[c], near[c] = amount, amount * hop, hop
                self.injected[c] += amount
        else:
            (phi, moment, direct), held_near, unknown, missing = self.held[u, asset].pay(a)
            moment = {c: m + hop * phi[c] for c, m in moment.items()}
            near = {c: min(h + hop, 254) for c, h in held_near.items()}
            self.overdraft[u] += missing
            self.injected["?"] += missing
        self.arrive(v, a, phi, moment, near, unknown, bool(stop), self.held[v, asset])
        for c, x in direct.items():
            self.direct[v, c] += x
            if self.kind[c] == SERVICE and x > 0:
                self.got[v, c] += x
                self.moment[v, c] += x
                self.near[v, c] = 1
            if v in self.hub and not stop:
                self.held[v, asset].through[c] += x
        self.share[v] = max(self.share[v], sum(phi.values(), F(0)) / a)
        self.phi[i] = phi

    def arrive(self, v, a, phi, moment, near, unknown, is_stop, held):
        self.total[v] += a
        self.got_unknown[v] += unknown
        if is_stop:
            self.absorbed["?"] += unknown
        else:
            held.balance += a
            held.unknown += unknown
        for c, x in phi.items():
            self.got[v, c] += x
            self.moment[v, c] += moment[c]
            if is_stop:
                self.absorbed[c] += x
            else:
                held.taint[c] += x
                held.moment[c] += moment[c]
        for c, h in near.items():
            self.near[v, c] = min(h, self.near.get((v, c), 255))
            if not is_stop:
                held.near[c] = min(h, held.near.get(c, 255))

    def holdings(self, v, part):
        if not self.by_wallet:
            for (w, _), h in self.held.items():
                self.by_wallet[w].append(h)
        return [getattr(h, part) for h in self.by_wallet[v]]


class Check:
    def __init__(self):
        self.bad, self.flows, self.numbers, self.worst = [], 0, 0, F(0)

    def money(self, what, got, want, scale):
        self.numbers += 1
        if not want and got in ("0x0p+0", "-0x0p+0"):
            return
        off = abs(num(got) - want)
        if scale > 0:
            self.worst = max(self.worst, off / scale)
        if off > TOL * scale:
            self.bad.append(f"{what}: {float.fromhex(got)!r}, exactly {float(want)!r}")

    def close(self, what, got, want, tol):
        self.numbers += 1
        if abs(float.fromhex(got) - float(want)) > tol:
            self.bad.append(f"{what}: {float.fromhex(got)!r}, exactly {float(want)!r}")

    def flow(self, head, lines):
        fl = Flow(head, lines)
        fl.replay()
        self.flows += 1
        for c in list(range(fl.c)) + ["?"]:
            part = lambda h: h.unknown if c == "?" else h.taint[c]
            held = sum((part(h) for h in list(fl.held.values())), F(0))
            if fl.injected[c] != held + fl.absorbed[c]:
                self.bad.append(f"seed {fl.seed}: the reference itself does not conserve {c}")
        for w in lines:
            if w[0] == "I":
                self.sums(fl, w)
            elif w[0] == "W":
                self.wallet(fl, w)
            elif w[0] == "P":
                self.transfer(fl, w)

    def sums(self, fl, w):
        c = "?" if w[1] == "?" else int(w[1])
        at = f"seed {fl.seed} category {c}"
        self.money(f"{at} injected", w[2], fl.injected[c], fl.injected[c])
        self.money(f"{at} absorbed", w[3], fl.absorbed[c], fl.injected[c])

    def wallet(self, fl, w):
        v = int(w[1])
        at, all_in = f"seed {fl.seed} wallet {v}", fl.total[v]
        self.money(f"{at} total", w[2], all_in, all_in)
        self.money(f"{at} balance", w[3], sum(fl.holdings(v, "balance"), F(0)), all_in)
        self.money(f"{at} overdraft", w[4], fl.overdraft[v], all_in + fl.overdraft[v])
        self.money(f"{at} received unknown", w[5], fl.got_unknown[v], all_in)
        self.money(f"{at} held unknown", w[6], sum(fl.holdings(v, "unknown"), F(0)), all_in)
        self.close(f"{at} max share", w[7], fl.share[v], SHARE_TOL)
        for c in range(fl.c):
            self.category(fl, v, c, w[9 + 6 * c:15 + 6 * c], w[8] == "1")

    def category(self, fl, v, c, w, is_whole):
        at, all_in = f"seed {fl.seed} wallet {v} category {c}", fl.total[v]
        got = fl.got[v, c]
        held = sum((t[c] for t in fl.holdings(v, "taint")), F(0))
        self.money(f"{at} received", w[0], got, all_in)
        self.money(f"{at} direct", w[1], fl.direct[v, c], all_in)
        self.money(f"{at} taint", w[2], held, all_in)
        if got > all_in / 10**6:
            self.close(f"{at} mean hops", w[3], fl.moment[v, c] / got, HOPS_TOL)
        if held > all_in / 10**6:
            moment = sum((m[c] for m in fl.holdings(v, "moment")), F(0))
            self.close(f"{at} held hops", w[4], moment / held, HOPS_TOL)
        if is_whole:  # else rounding decides whether the last crumb of a short way is left
            self.close(f"{at} min hops", w[5], fl.near.get((v, c), 0), 0)

    def transfer(self, fl, w):
        i = int(w[1])
        a, phi = fl.move[i][3], fl.phi.get(i, {})
        at = f"seed {fl.seed} transfer {i}"
        for c in range(fl.c):
            self.money(f"{at} category {c}", w[4 + c], phi.get(c, F(0)), a)
        share = sum(phi.values(), F(0)) / a if a else F(0)
        high, low = num(w[3]), num(w[2])
        if not low * (1 - TOL) - F(1, 2**31) <= share <= high * (1 + TOL):
            self.bad.append(f"{at}: share {float(share)} outside its mark {w[2]}..{w[3]}")


def main():
    check, head, lines = Check(), None, []
    for line in sys.stdin:
        w = line.split()
        if w[0] == "END":
            check.flow(head, lines)
        elif w[0] == "G":
            head, lines = w, []
        else:
            lines.append(w)
    for b in check.bad[:20]:
        print(b, file=sys.stderr)
    print(f"{check.flows} flows, {check.numbers} numbers, worst error {float(check.worst):.1e}, "
          f"{len(check.bad)} bad")
    return 1 if check.bad or not check.flows else 0


sys.exit(main())
