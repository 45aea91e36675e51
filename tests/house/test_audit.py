"""The audit of dependencies fails for what is known, and never says that all is well where it saw nothing."""

from tests.audit import Dependency, Vulnerability, told

GOOD, BAD = Dependency("good", "1.0"), Dependency("bad", "1.0", [Vulnerability("CVE-1", ["1.1"])])
UNSEEN = Dependency("unseen", skip_reason="not found")


def test_what_is_vulnerable_fails_and_says_what_mends_it() -> None:
    lines, code = told([GOOD, BAD, UNSEEN])
    assert code == 1
    assert lines[0] == "bad 1.0: CVE-1, mended in 1.1"
    assert "2 packages audited, 1 of them vulnerable" in lines[-1]


def test_nothing_seen_is_said_and_is_no_failure() -> None:
    lines, code = told([UNSEEN])
    assert (code, lines) == (0, ["NOT AUDITED: 1 of 1 packages could not be looked up at their source"])


def test_all_well() -> None:
    assert told([GOOD]) == (["1 packages audited, 0 of them vulnerable"], 0)
