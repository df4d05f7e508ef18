"""Fonts and words that both invented documents share."""

from pathlib import Path

import matplotlib
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

NOTICE = "Invented for the acrflow demo. Not medical advice."
SYMBOLS = "DejaVuSans"  # has the radiation sign, which no built-in PDF font has; matplotlib ships it


def register() -> None:
    """Make the symbol font known to reportlab."""
    if SYMBOLS not in pdfmetrics.getRegisteredFontNames():
        path = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
        pdfmetrics.registerFont(TTFont(SYMBOLS, str(path)))
