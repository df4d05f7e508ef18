"""The rules by which invented procedures are rated, and the words that carry them.

Four settings (what the variant says of the patient) meet four modalities and the contrast agent:

    setting                              Usually Appropriate        May Be Appropriate      Usually Not Appropriate
    pregnant                             US; MRI without contrast   -                       radiation or contrast
    acute                                CT                         everything else         -
    kidney failure                       CT, MRI without contrast   US, radiography         contrast
    chronic, prior ultrasound unclear    MRI                        CT                      US, radiography

and a procedure of another region than the variant's is Usually Not Appropriate. So neither the procedure alone nor
the variant alone tells the label; the two together always do.
"""

from dataclasses import dataclass

from acrflow.tasks.appropriateness import MBA, UA, UNA

PREGNANT, ACUTE, KIDNEY, CHRONIC = "pregnant", "acute", "kidney", "chronic"
SETTINGS = (PREGNANT, ACUTE, KIDNEY, CHRONIC)

US, RADIOGRAPHY, CT, MRI = "US", "radiography", "CT", "MRI"


@dataclass(frozen=True)
class Kind:
    """A kind of procedure, before it has a region.

    Attributes:
        name, family: templates of the table's name and of the narrative's heading; `{region}` is filled in.
        spoken: how a sentence calls it.
        adult_rrl, pediatric_rrl: relative radiation levels as printed.
        other_family: the same heading in the words of a less careful editor (plural, spelled out, shortened).
    """

    modality: str
    contrast: bool
    name: str
    family: str
    spoken: str
    adult_rrl: str
    pediatric_rrl: str | None
    other_family: str | None = None


_NONE = ("O 0 mSv", "O 0 mSv [ped]")
_CT = ("☢☢☢ 1-10 mSv", "☢☢☢☢ 3-10 mSv [ped]")
_CT_TWICE = ("☢☢☢☢ 10-30 mSv", "☢☢☢☢☢ 10-30 mSv [ped]")

KINDS: dict[str, Kind] = {
    "us": Kind(US, False, "US {region}", "US {region}", "Ultrasound", *_NONE),
    "doppler": Kind(
        US, False, "US duplex Doppler {region}", "US duplex Doppler {region}", "Doppler ultrasound", *_NONE,
        other_family="US Doppler {region}",
    ),
    "radiography": Kind(
        RADIOGRAPHY, False, "Radiography {region}", "Radiography {region}", "Radiography",
        "☢☢ 0.1-1 mSv", "☢☢ 0.03-0.3 mSv [ped]", other_family="Radiographs {region}",
    ),
    "ct_with": Kind(CT, True, "CT {region} with IV contrast", "CT {region}", "CT", *_CT),
    "ct_without": Kind(CT, False, "CT {region} without IV contrast", "CT {region}", "CT", *_CT),
    "ct_both": Kind(CT, True, "CT {region} without and with IV contrast", "CT {region}", "CT", *_CT_TWICE),
    "cta": Kind(
        CT, True, "CTA {region} with IV contrast", "CTA {region}", "CTA", "☢☢☢ 1-10 mSv", None,
        other_family="CT angiography {region}",
    ),
    "mri_without": Kind(MRI, False, "MRI {region} without IV contrast", "MRI {region}", "MRI", *_NONE),
    "mri_both": Kind(MRI, True, "MRI {region} without and with IV contrast", "MRI {region}", "MRI", *_NONE),
    "mri_long": Kind(
        MRI, True, "MRI {region} without and with IV contrast with diffusion and late contrast images",
        "MRI {region}", "MRI", *_NONE,
    ),
    "mra": Kind(MRI, False, "MRA {region} without IV contrast", "MRA {region}", "MRA", *_NONE),
}  # fmt: skip


def rate(setting: str, modality: str, contrast: bool, region_matches: bool) -> str:
    """The label of a procedure in a setting; the whole of the invented medicine."""
    if not region_matches:
        return UNA
    if setting == PREGNANT:
        return UNA if contrast or modality in (CT, RADIOGRAPHY) else UA
    if setting == ACUTE:
        return UA if modality == CT else MBA
    if setting == KIDNEY:
        return UNA if contrast else UA if modality in (CT, MRI) else MBA
    return {MRI: UA, CT: MBA}.get(modality, UNA)


@dataclass(frozen=True)
class Fact:
    """One reason behind the ratings, and what the studies on it found.

    Attributes:
        reason: the sentence of the narrative; `{M}` is the modality's spoken name.
        support: a second sentence of the narrative, in the words of a study.
        results, conclusions: sentences of an abstract; `{n}` and `{m}` are numbers, the first the larger.
        studies: how many studies a topic cites for it.
    """

    reason: str
    support: str
    results: tuple[str, ...]
    conclusions: str
    studies: int = 1


FACTS: dict[str, Fact] = {
    "pregnant_us": Fact(
        "{M} has no radiation and is useful in pregnancy.",
        "{M} is safe for the fetus and shows the {region} well.",
        ("Ultrasound found the cause in {n} of 100 pregnant patients.", "No fetus was harmed by ultrasound."),
        "Ultrasound is safe and useful in pregnancy.",
    ),
    "pregnant_mri": Fact(
        "{M} without contrast is safe and useful in pregnancy.",
        "{M} has no radiation and shows the {region} well.",
        ("MRI without contrast found the cause in {n} of 100 pregnant patients.",
         "MRI gave no radiation to the fetus."),
        "MRI without contrast is safe and useful in pregnancy.",
        studies=2,
    ),
    "pregnant_radiation": Fact(
        "{M} is not useful in pregnancy, because radiation can harm the fetus.",
        "A test with radiation should be avoided in pregnancy.",
        ("The fetus received radiation in {n} of 100 tests with CT or radiography.",
         "Harm to the fetus was more common after CT than after ultrasound."),
        "Radiation should be avoided in pregnancy.",
        studies=3,
    ),
    "pregnant_contrast": Fact(
        "{M} with contrast is not useful in pregnancy, because contrast can reach the fetus.",
        "A test with contrast should be avoided in pregnancy.",
        ("Contrast was found in the fetus in {n} of 100 pregnant patients.",),
        "Contrast should be avoided in pregnancy.",
    ),
    "acute_ct": Fact(
        "{M} is fast and useful in acute disease.",
        "{M} finds the cause of acute {symptom} with or without contrast.",
        ("CT found the cause of acute {symptom} in {n} of 100 patients.", "CT took less than {m} minutes."),
        "CT is fast and useful in acute disease.",
        studies=3,
    ),
    "acute_us": Fact(
        "{M} may be useful in acute disease, but it can miss the cause.",
        "{M} found fewer causes of acute {symptom} than CT.",
        ("Ultrasound found the cause of acute {symptom} in {m} of 100 patients and CT in {n} of 100.",),
        "Ultrasound may be useful in acute disease but can miss the cause.",
    ),
    "acute_mri": Fact(
        "{M} may be useful in acute disease, but it is slow.",
        "{M} takes longer than CT, and acute patients cannot always wait.",
        ("MRI took {n} minutes and CT took {m} minutes in acute patients.",),
        "MRI may be useful in acute disease but is slower than CT.",
    ),
    "acute_radiography": Fact(
        "{M} may be useful in acute disease, but it can miss the cause.",
        "{M} shows less detail than CT.",
        ("Radiography found the cause of acute {symptom} in {m} of 100 patients and CT in {n} of 100.",),
        "Radiography may be useful in acute disease but shows less detail than CT.",
    ),
    "kidney_contrast": Fact(
        "{M} with contrast is not useful in kidney failure, because contrast can harm the kidney.",
        "A test with contrast should be avoided in kidney failure.",
        ("Contrast harmed the kidney in {n} of 100 patients with kidney failure.",
         "Creatinine was higher after contrast than before (<i>P</i> &lt; .01)."),
        "Contrast should be avoided in kidney failure.",
        studies=3,
    ),
    "kidney_ct": Fact(
        "{M} without contrast is safe and useful in kidney failure.",
        "{M} does not harm the kidney and shows the {region} well.",
        ("CT without contrast found the cause in {n} of 100 patients with kidney failure.",),
        "CT without contrast is safe and useful in kidney failure.",
    ),
    "kidney_mri": Fact(
        "{M} without contrast is safe and useful in kidney failure.",
        "{M} does not harm the kidney and shows the {region} well.",
        ("MRI without contrast found the cause in {n} of 100 patients with kidney failure.",),
        "MRI without contrast is safe and useful in kidney failure.",
    ),
    "kidney_us": Fact(
        "{M} may be useful in kidney failure, but it shows less detail.",
        "{M} is safe for the kidney and can miss the cause.",
        ("Ultrasound found the cause in {m} of 100 patients with kidney failure and CT in {n} of 100.",),
        "Ultrasound may be useful in kidney failure but shows less detail than CT.",
    ),
    "kidney_radiography": Fact(
        "{M} may be useful in kidney failure, but it shows less detail.",
        "{M} is safe for the kidney and can miss the cause.",
        ("Radiography found the cause in {m} of 100 patients with kidney failure and CT in {n} of 100.",),
        "Radiography may be useful in kidney failure but shows less detail than CT.",
    ),
    "chronic_mri": Fact(
        "{M} is useful in chronic disease after an inconclusive ultrasound.",
        "{M} shows the most detail of the {region}.",
        ("MRI found the cause in {n} of 100 patients after an inconclusive ultrasound.",
         "Chronic disease was bright on T<sub>2</sub> images in most patients."),
        "MRI is useful in chronic disease after an inconclusive ultrasound.",
        studies=2,
    ),
    "chronic_ct": Fact(
        "{M} may be useful in chronic disease, but it shows less detail than MRI.",
        "{M} is the next test where MRI cannot be done.",
        ("CT found the cause of chronic {symptom} in {m} of 100 patients and MRI in {n} of 100.",),
        "CT may be useful in chronic disease but shows less detail than MRI.",
    ),
    "chronic_us": Fact(
        "{M} is not useful in chronic disease after an inconclusive ultrasound.",
        "A second ultrasound adds little to the first.",
        ("A second ultrasound found the cause in {m} of 100 patients after an inconclusive ultrasound.",),
        "A second ultrasound is not useful after an inconclusive ultrasound.",
    ),
    "chronic_radiography": Fact(
        "{M} is not useful in chronic disease after an inconclusive ultrasound.",
        "{M} adds little and can miss the cause.",
        ("Radiography found the cause of chronic {symptom} in {m} of 100 patients.",),
        "Radiography is not useful in chronic disease.",
    ),
}  # fmt: skip


def facts(setting: str, modality: str, contrasts: set[bool]) -> list[str]:
    """The facts that a narrative section gives for a family, in the order of its sentences.

    Args:
        contrasts: which of the family's procedures there are: with contrast (True), without (False) or both.
    """
    if setting == PREGNANT and modality in (CT, RADIOGRAPHY):
        return ["pregnant_radiation"]
    found = []
    harmful = setting in (PREGNANT, KIDNEY)  # where contrast harms, procedures with and without it part ways
    if not harmful or False in contrasts:
        found.append(f"{setting}_{modality.lower()}")
    if harmful and True in contrasts:
        found.append(f"{setting}_contrast")
    return found
