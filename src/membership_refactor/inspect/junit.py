"""JUnit's XML, which CI systems show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

# Characters that XML 1.0 cannot hold; keys are data.
_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case; ``failure`` is its sentence and the text below it."""

    classname: str
    name: str
    seconds: float
    failure: tuple[str, str] | None = None


def document(suite_name: str, cases: Sequence[Case]) -> str:
    """One suite with these cases."""
    suite = Element(
        "testsuite",
        name=_xml(suite_name),
        tests=str(len(cases)),
        failures=str(sum(c.failure is not None for c in cases)),
        errors="0",
        skipped="0",
        time=f"{sum(c.seconds for c in cases):.3f}",
    )
    for c in cases:
        case = SubElement(
            suite,
            "testcase",
            classname=_xml(c.classname),
            name=_xml(c.name),
            time=f"{c.seconds:.3f}",
        )
        if c.failure is not None:
            sentence, text = c.failure
            SubElement(case, "failure", message=_xml(sentence)).text = _xml(text)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
