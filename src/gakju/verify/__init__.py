"""A claim and the sentences it rests on, to a verdict. The seam is `gakju.protocols.Verifier`.

LocalVerifier     exact comparisons and a small entailment model, combined in a calibrated score; no generation
JudgeVerifier     a chat model is asked, embedded or hosted
LexicalVerifier   exact comparisons alone: what there is where no model is
"""

from __future__ import annotations

from gakju.verify.judge import JudgeVerifier
from gakju.verify.lexical import LexicalVerifier
from gakju.verify.local import LocalVerifier

__all__ = ["JudgeVerifier", "LexicalVerifier", "LocalVerifier"]
