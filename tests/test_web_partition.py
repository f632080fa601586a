import pytest

from nuriwake.errors import UsageError
from nuriwake.faces.web.partition import parse_edits


@pytest.mark.parametrize("text", ["x3", "m", "m1,,s2", "s-1", "m1 ", ",".join(["m4"] * 1001)])
def test_edits_of_another_form_are_refused(text):
    with pytest.raises(UsageError, match="edits"):
        parse_edits(text)
