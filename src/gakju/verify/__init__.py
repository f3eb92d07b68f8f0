"""A claim and the sentences it rests on, to a verdict. The seam is `gakju.protocols.Verifier`.

LocalVerifier     exact comparisons and a small entailment model, combined in a calibrated score; no generation
JudgeVerifier     a chat model is asked, embedded or hosted
LexicalVerifier   exact comparisons alone: what there is where no model is
"""

from __future__ import annotations

from gakju.verify.lexical import LexicalVerifier

__all__ = ["LexicalVerifier"]
