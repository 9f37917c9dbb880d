#!/usr/bin/env python3
"""What the learned scorer is worth on laundering patterns of AMLworld (IBM), planted in our simulator's noise.

    tests/bench/quality/amlworld.py [--transfers 150000] [--incidents 100] [--lookalikes 400]
                                    [--seeds 5] [--train 1,2] [--test 11,12] [--young-days DAYS]
                                    [--markdown FILE]

Wants ../shared/data/amlworld_hi_small_patterns: the 370 patterns of HI-Small, eight families,
without the honest rows around them.  So the noise is ours, and each world is one simulated
world with the patterns of one period in it:

  who learns what  training worlds hold the patterns that begin before 2022-09-07, test worlds
                   those that begin a day later or more (embargo); none is in both.  Training
                   worlds share theirs out, in turn: two of them hold as many patterns each as
                   a test world, so that what is calibrated on is as frequent as what is judged
  when             a pattern keeps its own pace; patterns begin in their order, evenly over the
                   time of the simulated world, so that each block of time has some; the
                   time of day is moved, in order, to the hours that the noise keeps
  who              an account is a wallet in all patterns of its world.  Half of them are people
                   of the noise, first seen in the five days before their first pattern.  Half
                   are new: who pays before it is paid has its money from an exchange, half of
                   the others have first money from one, and of 60 in 100 most of what is left
                   goes to one: no single column of behaviour is to tell
  how much         by rank: an amount that is at some quantile of its currency becomes what
                   people of the noise pay at that quantile.  Currencies and sizes tell nothing
  who is known     the first payer of half of the patterns carries a label; the others are hidden
  who is not asked for  the simulator's own crimes: they and their honest look-alikes go on beside.
                   Everybody of the first ten days: a simulated world begins with all its people
                   at once, and patterns come later, so that age alone would tell.  The truth
                   says "unknown" of both.  With --young-days, whoever was first seen earlier than
                   that before the end of a test world: a probability is to hold for them as well

All accounts of a pattern are bad, its last receivers as well.  What this shows is whether
shapes that we did not make are found; how hard the noise is, is our doing.
"""
import bisect, datetime, random
import simulator, worlds

FOLDER = worlds.DATA / "amlworld_hi_small_patterns"
CUT = datetime.datetime(2022, 9, 7)
EMBARGO = datetime.timedelta(days=1)
DAY_S, HEAD_S, TAIL_S, YOUNG_S = 86400, 10 * 86400, 9 * 86400, 5 * 86400


class Pattern:
    def __init__(self, name, rows):
        self.name, self.family = name, rows[0]["family"].lower().replace("-", "_")
        self.transfers = sorted((datetime.datetime.strptime(r["timestamp"], "%Y/%m/%d %H:%M"), i,
                                 f"{r['from_bank']}:{r['from_account']}", f"{r['to_bank']}:{r['to_account']}",
                                 r["payment_currency"], float(r["amount_paid"])) for i, r in enumerate(rows))
        self.begin = self.transfers[0][0]
        self.is_known = worlds.share("known", name) < 0.5


def read_patterns():
    rows = {}
    for r in worlds.read_csv(FOLDER / "laundering_transactions.csv"):
        rows.setdefault(r["pattern_id"], []).append(r)
    return sorted((Pattern(name, of) for name, of in rows.items()), key=lambda p: (p.begin, p.name))


class Clock:
    """Time of day, even over the day -> as the noise has it, by rank."""

    def __init__(self, times):
        self.of = sorted(t % DAY_S for t in times)

    def __call__(self, t):
        return t - t % DAY_S + self.of[t % DAY_S * len(self.of) // DAY_S]


class Quantiles:
    """Amounts of a currency -> base units that people of the noise pay, by rank."""

    def __init__(self, patterns, noise):
        self.noise, self.of = sorted(noise), {}
        for p in patterns:
            for *_, currency, amount in p.transfers:
                self.of.setdefault(currency, []).append(amount)
        for amounts in self.of.values():
            amounts.sort()

    def __call__(self, currency, amount):
        of = self.of[currency]
        q = (bisect.bisect_left(of, amount) + bisect.bisect_right(of, amount)) / 2 / len(of)
        return self.noise[min(int(q * len(self.noise)), len(self.noise) - 1)]


class Noise:
    """What a simulated world says of itself."""

    def __init__(self, transfers, labels, truth):
        self.rows = [tuple(r[k] for k in worlds.TRANSFER) for r in worlds.read_csv(transfers)]
        self.labels = [tuple(r[k] for k in worlds.LABEL) for r in worlds.read_csv(labels)]
        self.criminals = sorted({r["id"] for r in truth})
        category = {r[1]: r[2] for r in self.labels}
        self.exchanges = sorted(a for a, c in category.items() if c == "exchange")
        no_person = set(category) | set(self.criminals)
        self.amounts = [int(r[7]) for r in self.rows if r[3] not in no_person and r[4] not in no_person]
        self.first_money = [int(r[7]) for r in self.rows if r[3] in self.exchanges and r[4] not in no_person]
        self.clock = Clock(int(r[1]) for r in self.rows)
        first = {}
        for r in self.rows:
            for a in r[3:5]:
                first.setdefault(a, int(r[1]))
        self.people = sorted((t, a) for a, t in first.items() if a not in no_person)
        self.begin_s, self.end_s = int(self.rows[0][1]), int(self.rows[-1][1])

    def unknown(self, taken):
        early = [a for t, a in self.people if t < self.begin_s + HEAD_S and a not in taken]
        return self.criminals + early

    def take_person(self, before_s, r):
        """Somebody who came up in the days before and has not been taken, or None."""
        low, high = (bisect.bisect_left(self.people, (t, "")) for t in (before_s - YOUNG_S, before_s))
        return self.people.pop(r.randrange(low, high))[1] if low < high else None


def timed(patterns, noise):
    """(time, pattern, from, to, currency, amount), begun one after the other over the world's time."""
    room_s = noise.end_s - noise.begin_s - HEAD_S - TAIL_S
    for k, p in enumerate(patterns):
        at = noise.begin_s + HEAD_S + round(k / len(patterns) * room_s)
        for t, i, *rest in p.transfers:
            yield noise.clock(at + int((t - p.begin).total_seconds()) + int(worlds.share("second", p.name, i) * 60)), p, *rest


class Newcomer:
    """A wallet that is only there for the patterns: where its money is from, and where it goes."""

    def __init__(self, first_s, is_payer):
        self.first_s, self.last_s, self.is_payer, self.paid, self.received = first_s, first_s, is_payer, 0, 0

    def move(self, t, base):
        self.last_s = t
        self.received += max(base, 0)
        self.paid += max(-base, 0)

    def other_ends(self, wallet, noise, r):
        lent = r.choice(noise.first_money) if self.is_payer or r.random() < 0.5 else 0
        if self.is_payer:
            lent = max(lent, round(self.paid * (1 + r.random() / 5)))
        left = lent + self.received - self.paid
        begin_s = noise.clock(self.first_s - r.randrange(DAY_S, 3 * DAY_S))
        end_s = noise.clock(self.last_s + r.randrange(DAY_S, 3 * DAY_S))
        if lent:
            yield begin_s, r.choice(noise.exchanges), wallet, lent
        if left > 0 and end_s <= noise.end_s and r.random() < 0.6:
            yield end_s, wallet, r.choice(noise.exchanges), round(left * (0.5 + r.random() / 2))


def plant(patterns, noise, seed):
    """Adds their transfers to the noise; gives the wallet of each account."""
    r, amount_of = random.Random(seed), Quantiles(patterns, noise.amounts)
    wallet, new, rows = {}, {}, []
    for t, p, a, b, currency, amount in sorted(timed(patterns, noise), key=lambda x: x[0]):
        base = amount_of(currency, amount)
        for account in (a, b):
            if account not in wallet:
                person = noise.take_person(t, r) if r.random() < 0.5 else None
                wallet[account] = person or worlds.hexadecimal("amlworld", seed, account, digits=40)
                if not person:
                    new[account] = Newcomer(t, account == a)
        if a in new:
            new[a].move(t, -base)
        if b in new:
            new[b].move(t, base)
        rows.append((t, wallet[a], wallet[b], base))
    for account, w in new.items():
        rows += w.other_ends(wallet[account], noise, r)
    noise.rows += [(worlds.CHAIN, t, worlds.hexadecimal("amlworld", seed, i, digits=64), a, b, "USD", 6, base)
                   for i, (t, a, b, base) in enumerate(rows)]
    noise.rows.sort(key=lambda row: int(row[1]))
    return wallet


def part(folder, seed, patterns, opt):
    transfers, labels, truth = simulator.simulate(folder, seed, opt)
    noise = Noise(transfers, labels, truth)
    wallet = plant(patterns, noise, seed)
    bad = [(f"{seed}-{p.name}", p.family, wallet[account])
           for p in patterns for account in dict.fromkeys(a for t in p.transfers for a in t[2:4])]
    known = dict.fromkeys(wallet[p.transfers[0][2]] for p in patterns if p.is_known)
    worlds.write_csv(transfers, worlds.TRANSFER, noise.rows)
    worlds.write_csv(labels, worlds.LABEL,
                     noise.labels + [(worlds.CHAIN, a, "hack", 90, "amlworld", "first payer of a pattern") for a in known])
    return worlds.Part(transfers, labels, bad, noise.unknown(set(wallet.values())))


def young_only(part, days):
    """The part, nobody asked for who was first seen more than so many days before its end."""
    first = {}
    for r in worlds.read_csv(part.transfers):
        for a in (r["from"], r["to"]):
            first.setdefault(a, int(r["time"]))
    begin_s = max(first.values()) - days * DAY_S
    old = {a for a, t in first.items() if t < begin_s}
    part.bad = [row for row in part.bad if row[2] not in old]
    part.unknown = sorted(old | set(part.unknown))
    return part


def main():
    flags = simulator.options(__doc__, 150_000, 100, "1,2", "11,12")
    flags.add_argument("--young-days", type=int, help="in test worlds ask only for wallets first seen in these last days")
    opt = flags.parse_args()
    if not FOLDER.is_dir():
        raise SystemExit(f"left out: no {FOLDER.name} in ../shared/data")
    patterns = read_patterns()
    early = [p for p in patterns if p.begin < CUT]
    late = [p for p in patterns if p.begin >= CUT + EMBARGO]
    train = simulator.numbers(opt.train)

    def test(folder, seed):
        made = part(folder, seed, late, opt)
        return young_only(made, opt.young_days) if opt.young_days else made

    asked = f", asked for: who was first seen in the last {opt.young_days} days" if opt.young_days else ""
    worlds.run(opt, f"{len(early)} patterns to learn from (shared out to worlds {opt.train}), {len(late)} later ones to judge by "
                    f"(all in each of worlds {opt.test}), "
                    f"each world {opt.transfers} simulated transfers with {opt.incidents} incidents that are not asked for and "
                    f"{opt.lookalikes} % honest look-alikes{asked}",
               lambda folder: (part(folder, s, early[k::len(train)], opt) for k, s in enumerate(train)),
               [lambda folder, s=s: [test(folder, s)] for s in simulator.numbers(opt.test)])


if __name__ == "__main__":
    main()
