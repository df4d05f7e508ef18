"""Invented studies: what guidelines cite and what the invented PubMed holds."""

import random
from collections.abc import Callable, Set
from dataclasses import dataclass

from acrflow.synthetic.rules import Fact

FIRST_PMID = 91_000_000  # far above any real PMID
PMIDS_PER_TOPIC = 100_000

AUTHORS = (
    "Mirel AB", "Osta K", "Tavin R", "Belor JM", "Quen S", "Daro PL", "Ilsen H", "Varga-Nol T", "Peth C", "Rolan E",
    "Sim W", "van Ostin D", "Karel MF", "Luno G", "Heber A", "Zoll IN",
)  # fmt: skip
# full title and abbreviation
JOURNALS = (
    ("Journal of invented imaging", "J Invent Imaging"),
    ("Imaginary radiology", "Imagin Radiol"),
    ("Annals of pretended medicine", "Ann Pretend Med"),
    ("Scans and reason", "Scans Reason"),
    ("The made-up medical journal", "Made Up Med J"),
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# publication type -> study qualities that the panel gives such studies
QUALITY_OF_TYPE = {
    "Randomized Controlled Trial": ("1",),
    "Clinical Trial": ("1", "2"),
    "Comparative Study": ("2", "3"),
    "Observational Study": ("3",),
    "Case Reports": ("4",),
    "Review": ("4",),
    "Meta-Analysis": ("Good", "Inadequate"),
}
MESH_OF_SUBJECT = {
    "us": "Ultrasonography",
    "mri": "Magnetic Resonance Imaging",
    "ct": "Tomography, X-Ray Computed",
    "radiography": "Radiography",
    "radiation": "Radiation Injuries",
    "contrast": "Contrast Media",
    "imaging": "Diagnostic Imaging",
}
MESH_OF_SETTING = {"pregnant": "Pregnancy", "kidney": "Renal Insufficiency", "acute": "Acute Disease"}

_SUBJECTS = {"us": "Ultrasound", "mri": "MRI", "ct": "CT", "imaging": "Imaging"}
_TITLES = {
    "pregnant": "{subject} in pregnant patients with {condition}",
    "acute": "{subject} in acute {condition}",
    "kidney": "{subject} in patients with kidney failure and {condition}",
    "chronic": "{subject} in chronic {condition} after an inconclusive ultrasound",
}

# A few studies are unlike the rest, as in every real guideline: (topic index, fact, which study) -> what is odd.
ODD = {
    (0, "kidney_contrast", 2): "absent",
    (1, "kidney_contrast", 2): "not a PMID",
    (2, "chronic_mri", 1): "no abstract",
    (2, "kidney_contrast", 2): "nothing printed",
    (3, "pregnant_radiation", 2): "retracted",
    (4, "acute_ct", 2): "not a PMID",
    (5, "acute_ct", 2): "absent",
    (6, "pregnant_radiation", 2): "retracted",
    (7, "chronic_mri", 1): "no abstract",
    (8, "kidney_contrast", 2): "absent",
    (9, "acute_ct", 1): "German",
}


@dataclass(frozen=True)
class AbstractPart:
    """A part of an abstract; `text` is an XML fragment (inline markup, entities)."""

    label: str | None
    category: str | None
    text: str


@dataclass(frozen=True)
class Design:
    """How an uncited study was made; a cited one has a type by chance and no more.

    Attributes:
        title: words after the title.
        mesh: headings beside those of what was studied.
        methods: a sentence; `{subject}` is the test.
        odd: "retracted", "no abstract" or None.
        population: of whom the study is, before "with {condition}".
        heading: the MeSH heading of its population.
    """

    publication_type: str
    title: str = ""
    mesh: tuple[str, ...] = ()
    methods: str = ""
    odd: str | None = None
    population: str = "patients"
    heading: str = "Humans"


@dataclass(frozen=True)
class Study:
    """A study, cited by a guideline or by none.

    Attributes:
        pmid: None where the appendix prints no PMID for it.
        printed: what the appendix prints in brackets, None if nothing.
        recorded: whether the invented PubMed has a record of it.
        quality: as the appendix prints it; empty where none does.
        month: 1 to 12.
    """

    pmid: int | None
    printed: str | None
    recorded: bool
    retracted: bool
    language: str
    title: str
    authors: tuple[str, ...]
    journal: tuple[str, str]
    year: int
    month: int
    volume: int
    issue: int
    pages: tuple[int, int]
    publication_type: str
    quality: str
    mesh: tuple[str, ...]
    abstract: tuple[AbstractPart, ...]

    @property
    def citation(self) -> str:
        """The study as a bibliography prints it, in one of the two styles in use."""
        authors = ", ".join(self.authors[:3]) + (", et al" if len(self.authors) > 3 else "")
        review = " [Review]." if self.publication_type == "Review" else ""
        head = f"{authors}. {self.title}.{review} {self.journal[1]}"
        pages = f"{self.pages[0]}-{self.pages[1]}"
        if self.volume % 2:
            return f"{head}. {self.volume}({self.issue}):{pages}, {self.year} {MONTHS[self.month - 1]}."
        return f"{head} {self.year};{self.volume}:{pages}."


class StudyMaker:
    """Makes the studies of one topic, with PMIDs of its own; those in `taken` are another's."""

    def __init__(
        self,
        topic_index: int,
        condition: str,
        generator: random.Random,
        seed: int,
        taken: Set[int | None] = frozenset(),
    ):
        self._index, self._condition, self._random, self._seed = topic_index, condition, generator, seed
        self._taken = taken
        self._pmid = FIRST_PMID + (topic_index + 1) * PMIDS_PER_TOPIC

    def background(self) -> list[Study]:
        """Two studies on imaging in general; the pool is the same for all topics, so that topics share references."""
        shared = StudyMaker(-1, "an unknown cause", random.Random(f"{self._seed} shared"), self._seed)
        text = "Imaging found the cause in {n} of 100 patients."
        pool = [
            shared._study("imaging", title, (text,), "The best test depends on the patient.", odd=None)
            for title in (
                "Imaging of patients with pain or swelling of an unknown cause",
                "The choice of the first test in imaging",
                "Radiation and contrast in imaging",
                "Imaging before and after a first visit",
            )
        ]
        return self._random.sample(pool, 2)

    def studies(self, key: str, fact: Fact, fill: Callable[[str], str]) -> tuple[Study, ...]:
        """The studies on a fact; `fill` puts the topic's words into its sentences."""
        setting, subject = key.split("_")
        title = self._title(setting, subject)
        made = []
        for position in range(fact.studies):
            result = fill(fact.results[position % len(fact.results)])
            made.append(
                self._study(subject, title, (result,), fact.conclusions, ODD.get((self._index, key, position)), setting)
            )
        return tuple(made)

    def uncited(self, key: str, fact: Fact, design: Design, fill: Callable[[str], str]) -> Study:
        """One more study on a fact, of this design, in the words of those that are cited."""
        setting, subject = key.split("_")
        result = fill(self._random.choice(fact.results))
        return self._study(
            subject, self._title(setting, subject), (result,), fact.conclusions, design.odd, setting, design
        )

    def beside(self, subject: str, title: str, result: str, conclusion: str, design: Design) -> Study:
        """A study that shares the condition's words and is of something else."""
        words = {"condition": self._condition, "first": self._condition.split()[0], "last": self._condition.split()[-1]}
        filled = [
            text.format(**words, n="{n}", m="{m}", Last=words["last"].capitalize()) for text in (title, conclusion)
        ]
        return self._study(subject, filled[0], (result,), filled[1], design.odd, design=design)

    def _title(self, setting: str, subject: str) -> str:
        spoken = _SUBJECTS.get(subject, subject.capitalize())
        return _TITLES[setting].format(subject=spoken, condition=self._condition)

    def _study(
        self,
        subject: str,
        title: str,
        results: tuple[str, ...],
        conclusion: str,
        odd: str | None,
        setting: str = "",
        design: Design | None = None,
    ) -> Study:
        draw = self._random
        self._pmid += draw.randint(7, PMIDS_PER_TOPIC // 60)
        while self._pmid in self._taken:
            self._pmid += 1
        kind = design.publication_type if design else draw.choice([*QUALITY_OF_TYPE])
        pmid = None if odd in ("not a PMID", "nothing printed") else self._pmid
        printed = {"not a PMID": f"-{self._pmid // 10}", "nothing printed": None}.get(odd or "", str(self._pmid))
        first_page = draw.randint(1, 900)
        title_words = {"Review": ": a review", "Case Reports": ": a report", "Meta-Analysis": ": a meta-analysis"}
        mesh: tuple[str, ...] = (
            "Humans",
            MESH_OF_SUBJECT.get(subject, "Therapeutics"),
            MESH_OF_SETTING.get(setting, "Adult"),
        )
        if design:
            mesh = tuple(dict.fromkeys((design.heading, *mesh[1:], *design.mesh)))
        return Study(
            pmid=pmid,
            printed=printed,
            recorded=odd != "absent" and pmid is not None,
            retracted=odd == "retracted",
            language="ger" if odd == "German" else "eng",
            title=title + (design.title if design else title_words.get(kind, "")),
            authors=tuple(draw.sample(AUTHORS, draw.randint(2, 6))),
            journal=draw.choice(JOURNALS),
            year=draw.randint(2012, 2030),
            month=draw.randint(1, 12),
            volume=draw.randint(2, 60),
            issue=draw.randint(1, 12),
            pages=(first_page, first_page + draw.randint(4, 14)),
            publication_type=kind,
            quality="" if design else draw.choice(QUALITY_OF_TYPE[kind]),
            mesh=mesh,
            abstract=() if odd == "no abstract" else self._abstract(subject, results, conclusion, design),
        )

    def _abstract(
        self, subject: str, results: tuple[str, ...], conclusion: str, design: Design | None
    ) -> tuple[AbstractPart, ...]:
        draw, population = self._random, design.population if design else "patients"
        spoken = _SUBJECTS.get(subject, subject)
        background = f"The role of {spoken} in {self._condition} is not clear."
        studied = f"{draw.randint(40, 400)} {population} with {self._condition}"
        methods = f"We studied {studied} in {draw.randint(2, 9)} centers."
        if design and design.methods:
            methods += " " + design.methods.format(subject=spoken)
        found = " ".join(result.format(n=draw.randint(80, 96), m=draw.randint(20, 45)) for result in results)
        style = draw.choices(("structured", "own labels", "unstructured"), weights=(6, 1, 3))[0]
        if style == "unstructured":
            return (AbstractPart(None, None, f"{methods} {found} {conclusion}"),)
        if style == "own labels":  # labels that PubMed's indexers did not map
            labels = (("AIM", background), ("METHODS", methods), ("RESULTS", found), ("CONCLUSION", conclusion))
            return tuple(AbstractPart(label, "UNASSIGNED", text) for label, text in labels)
        labels = (("BACKGROUND", background), ("METHODS", methods), ("RESULTS", found), ("CONCLUSIONS", conclusion))
        return tuple(AbstractPart(label, label, text) for label, text in labels)
