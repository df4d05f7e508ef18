"""Invented studies that no guideline cites: strong, weak, retracted, without abstract, and beside the point.

Those on the condition state the same facts as the cited ones, in the same words, so that neither tells more of a label.
"""

import random
from collections.abc import Callable
from dataclasses import replace

from acrflow.synthetic.rules import FACTS
from acrflow.synthetic.studies import Design, Study, StudyMaker

_ACCURACY = ("Sensitivity and Specificity", "Diagnosis, Differential", "Diagnostic Imaging")
_REFERENCE = "The reference standard was surgery."
_TRIAL = Design(
    "Randomized Controlled Trial",
    ": a randomized trial",
    ("Treatment Outcome", "Diagnostic Imaging"),
    "Patients were randomized to {subject} or another test, which were compared.",
)
_COHORT = Design("Observational Study", ": a cohort study", ("Cohort Studies", "Prognosis"))
STRONG = (
    _TRIAL,
    Design("Clinical Trial", ": a trial", ("Prospective Studies", "Diagnostic Imaging"), _REFERENCE),
    Design("Comparative Study", ": diagnostic accuracy", _ACCURACY, f"Two tests were compared. {_REFERENCE}"),
    _COHORT,
    Design("Meta-Analysis", ": a meta-analysis", _ACCURACY, "We pooled all studies."),
)
WEAK = (
    Design("Case Reports", ": a report"),
    Design("Review", ": a review", ("Diagnostic Imaging",)),
    Design("Editorial", ": an opinion", ("Diagnostic Imaging",)),
    Design("Letter", ": a letter"),
)
ODD = (
    replace(_TRIAL, odd="retracted"),
    replace(_COHORT, odd="retracted"),
    replace(_TRIAL, odd="no abstract"),
    Design("Editorial", ": an opinion", odd="no abstract"),
)
# subject, title, result and conclusion, design: found by the same words, and of another organ, treatment or animals
BESIDE: tuple[tuple[str, str, str, str, Design], ...] = (
    (
        "treatment",
        "Treatment of {condition}",
        "Pain was less after treatment in {n} of 100 patients and after none in {m} of 100.",
        "Treatment helps patients with {condition}.",
        Design("Clinical Trial", ": a trial", ("Treatment Outcome",)),
    ),
    (
        "imaging",
        "Imaging of the knee after {condition}",
        "The knee was normal in {n} of 100 patients.",
        "{condition} does not harm the knee.",
        Design("Observational Study", mesh=("Knee",)),
    ),
    (
        "treatment",
        "{condition} in mice",
        "The treatment helped {n} of 100 mice.",
        "Mice can have {condition}.",
        Design("Comparative Study", mesh=("Mice",), population="mice", heading="Animals"),
    ),
    (
        "us",
        "{Last} of the head: a laboratory test by {first}",
        "The test was normal in {n} of 100 patients.",
        "The test by {first} is of the head.",
        Design("Evaluation Study", mesh=("Head",)),
    ),
)
FACTS_EACH = 2  # of every strong design


def studies(maker: StudyMaker, draw: random.Random, fill: Callable[[str], str]) -> list[Study]:
    """The uncited studies on one condition.

    Args:
        maker: of the condition.
        draw: chooses the facts.
        fill: puts the condition's words into a fact's sentences.
    """
    designs = [*STRONG * FACTS_EACH, *WEAK, *ODD]
    keys = draw.sample([*FACTS], len(FACTS))
    made = [maker.uncited(key, FACTS[key], design, fill) for key, design in zip([*keys, *keys], designs, strict=False)]
    return made + [maker.beside(*study) for study in BESIDE]
