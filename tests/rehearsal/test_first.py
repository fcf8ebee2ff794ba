import sys
from membership_refactor.rehearsal import report
from membership_refactor.execution.progress import Progress
from tests.rehearsal import rehearsing
from tests.rehearsal.rehearsing import rehearsed
from tests.chain.subjects import ODD
from tests.chain.test_application_triggers import disagreeing

def test_it(chain_at, monkeypatch):
    monkeypatch.setattr(rehearsing, "Progress", lambda quiet: Progress(sys.stdout))
    done = rehearsed(chain_at("0002"))
    print(report.as_text(done))
    assert done.fine

def test_odd(chain_at, monkeypatch):
    monkeypatch.setattr(rehearsing, "Progress", lambda quiet: Progress(sys.stdout))
    done = rehearsed(chain_at("0002", subject=ODD, name="disagreeing odd", first=disagreeing(ODD)))
    print(report.as_text(done))
    assert done.fine
