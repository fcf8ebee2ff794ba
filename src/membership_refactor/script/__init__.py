"""Scripts: a step as psql text that does what the runner does and keeps the same records."""

from membership_refactor.script.head import print_head
from membership_refactor.script.options import Pace
from membership_refactor.script.prediction import Prediction, predicted
from membership_refactor.script.steps import print_step

__all__ = ["Pace", "Prediction", "predicted", "print_head", "print_step"]
