#!/usr/bin/env python3
"""Add up CTest's JUnit files; name what failed and what was skipped; exit 1 on a failure."""
import pathlib, sys
import xml.etree.ElementTree as ET


def main(folder, broken):
    passed = failed = skipped = 0
    for path in sorted(folder.glob("*.xml")):
        for case in ET.parse(path).getroot().iter("testcase"):
            name = f"{path.stem}: {case.get('name')}"
            if case.find("failure") is not None or case.get("status") == "fail":
                failed += 1
                print(f"failed   {name}")
            elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                skipped += 1
                print(f"skipped  {name}")
            else:
                passed += 1
    failed += broken
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


sys.exit(main(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
