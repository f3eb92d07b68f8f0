"""Fine-tuning in steps a person can follow: examples, checks, a price, a training, a judgement."""

from gakju.labs.finetune.tuner import Tuner, of

__all__ = ["Tuner", "of"]
