"""What GET /wallets/.../explanation says of the story of test_api.py; mixed into its class."""
from api_server import CHAIN


class Explanations:
    def points(self, parts):
        floor = parts["floor"]["points"] if parts["floor"] else 0
        return sum(p["points"] for p in parts["parts"]) + floor + parts["rounding"]

    def test_explanation_adds_up_for_every_wallet(self):
        for name in "thief a b c d e f g mix shop clean".split():
            r = self.wallet(name, "/explanation").json
            self.assertEqual(r["wallet"], self.wallet(name).json)
            parts = r["score_parts"]
            self.assertEqual(parts["score"], r["wallet"]["score"])
            self.assertAlmostEqual(self.points(parts), parts["score"], places=9)
            keep = 1
            for p in parts["parts"]:
                keep *= 1 - p["part"]
            self.assertAlmostEqual(parts["base"], 1 - keep, places=12)
            lifted = parts["floor"]["floor"] if parts["floor"] else 0
            self.assertEqual(parts["score"], round(100 * max(parts["base"], lifted), 2))
            self.assertEqual(r["received_paths"], self.wallet(name, "/paths").json)
            self.assertEqual(r["sent_paths"], self.wallet(name, "/paths?direction=sending").json)
            self.assertEqual(r["static_interval"], self.wallet(name, "/exposure?push=true").json["push"])
            self.assertIsNone(r["model"])
            reasons = {x["typology"]["typology"] for x in r["wallet"]["reasons"] if x["typology"]}
            self.assertEqual({h["typology"] for h in r["typologies"]["hits"]}, reasons)
        self.wallet("nobody", "/explanation", 404)

    def test_explanation_without_a_label_and_as_of(self):
        c = self.wallet("b", "/explanation").json["counterfactuals"]
        self.assertIsNone(c["as_of"])
        thief, = c["without_label"]
        self.assertEqual((thief["id"], thief["category_id"], thief["is_own"], thief["value"]),
                         (f"{CHAIN}:thief", "hack", False, 60))
        self.assertEqual((thief["score"], thief["is_certified"]), (0, True))
        self.assertEqual(self.wallet("b", "/explanation?labels=0").json["counterfactuals"]["without_label"], [])
        first = self.wallet("b").json["first_seen"]
        r = self.wallet("b", f"/explanation?as_of={first}").json["counterfactuals"]["as_of"]
        self.assertEqual((r["state"], r["score"], r["received"]), ("scored", 0, 40))  # only clean has paid
        last = self.wallet("b").json["as_of"]
        r = self.wallet("b", f"/explanation?as_of={last}").json["counterfactuals"]
        self.assertEqual((r["as_of"]["score"], r["as_of"]["base"]), (r["score"], r["base"]))
        r = self.wallet("b", "/explanation?as_of=2010-01-01T00:00:00Z").json["counterfactuals"]["as_of"]
        self.assertEqual((r["state"], r["score"], r["exposures"]), ("not_in_graph", None, []))
        self.wallet("b", "/explanation?hits=101", 422)
