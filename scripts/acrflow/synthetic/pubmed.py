"""Write invented studies as an EFetch answer (PubmedArticleSet), as PubMed would send it."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from acrflow.synthetic.studies import MONTHS, AbstractPart, Study

_HEAD = """<?xml version="1.0" ?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" \
"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">
<!-- Invented for the acrflow demo. Not medical advice. -->
<PubmedArticleSet>
"""


def efetch_xml(studies: Sequence[Study]) -> str:
    """One PubmedArticle per study, in the order given; studies without a PMID are an error of the caller."""
    return _HEAD + "\n".join(_article(study) for study in studies) + "\n</PubmedArticleSet>\n"


def _article(study: Study) -> str:
    title, vernacular = escape(study.title) + ".", ""
    if study.language != "eng":  # PubMed puts a translated title in brackets and the original beside it
        title, vernacular = f"[{title}]", f"<VernacularTitle>{escape(study.title)} (erfunden).</VernacularTitle>"
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM" IndexingMethod="Manual">'
        f'<PMID Version="1">{study.pmid}</PMID><Article PubModel="Print">{_journal(study)}'
        f"<ArticleTitle>{title}</ArticleTitle>"
        f"<Pagination><StartPage>{study.pages[0]}</StartPage><EndPage>{study.pages[1]}</EndPage>"
        f"<MedlinePgn>{study.pages[0]}-{study.pages[1]}</MedlinePgn></Pagination>"
        f"{_abstract(study.abstract)}{_authors(study)}<Language>{study.language}</Language>"
        f"<PublicationTypeList>{_publication_types(study)}</PublicationTypeList>{vernacular}</Article>"
        f"<MedlineJournalInfo><Country>Nowhere</Country><MedlineTA>{study.journal[1]}</MedlineTA></MedlineJournalInfo>"
        f"{_retraction(study)}{_mesh(study)}</MedlineCitation>"
        f"<PubmedData><PublicationStatus>ppublish</PublicationStatus><ArticleIdList>"
        f'<ArticleId IdType="pubmed">{study.pmid}</ArticleId></ArticleIdList></PubmedData></PubmedArticle>'
    )


def _journal(study: Study) -> str:
    date = f"<Year>{study.year}</Year><Month>{MONTHS[study.month - 1]}</Month>"
    if study.volume % 5 == 0:  # a few journals give their date as free text
        date = f"<MedlineDate>{study.year} {MONTHS[study.month - 1]}-Dec</MedlineDate>"
    return (
        f'<Journal><JournalIssue CitedMedium="Print"><Volume>{study.volume}</Volume><Issue>{study.issue}</Issue>'
        f"<PubDate>{date}</PubDate></JournalIssue><Title>{study.journal[0]}</Title>"
        f"<ISOAbbreviation>{study.journal[1]}</ISOAbbreviation></Journal>"
    )


def _abstract(parts: Sequence[AbstractPart]) -> str:
    if not parts:
        return ""
    texts = []
    for part in parts:
        label = f' Label="{part.label}"' if part.label else ""
        category = f' NlmCategory="{part.category}"' if part.category else ""
        texts.append(f"<AbstractText{label}{category}>{part.text}</AbstractText>")
    return f"<Abstract>{''.join(texts)}</Abstract>"


def _authors(study: Study) -> str:
    names = []
    for author in study.authors:
        last, initials = author.rsplit(" ", 1)
        names.append(f'<Author ValidYN="Y"><LastName>{last}</LastName><Initials>{initials}</Initials></Author>')
    return f'<AuthorList CompleteYN="Y">{"".join(names)}</AuthorList>'


def _publication_types(study: Study) -> str:
    types = ["Journal Article", study.publication_type, *(["Retracted Publication"] if study.retracted else [])]
    return "".join(f"<PublicationType>{name}</PublicationType>" for name in types)


def _retraction(study: Study) -> str:
    if not study.retracted:
        return ""
    source = f"<RefSource>{study.journal[1]}. {study.year + 1}</RefSource>"
    return (
        f'<CommentsCorrectionsList><CommentsCorrections RefType="RetractionIn">{source}</CommentsCorrections>'
        "</CommentsCorrectionsList>"
    )


def _mesh(study: Study) -> str:
    headings = "".join(
        f'<MeshHeading><DescriptorName MajorTopicYN="N">{escape(name)}</DescriptorName></MeshHeading>'
        for name in study.mesh
    )
    return f"<MeshHeadingList>{headings}</MeshHeadingList>"
