"""PDF files that are small on the disk and huge when read."""

import zlib
from pathlib import Path

TEXT = b"BT /F1 12 Tf 72 700 Td (Variant 1: Glimmer.) Tj ET\n"


def repeated(chunk: bytes, times: int) -> bytes:
    """A zlib stream of `times` chunks, made from one; its checksum at the very end is wrong."""
    packer = zlib.compressobj(9)
    first = packer.compress(chunk) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(chunk) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (times - 1) + b"\x03\x00" + bytes(4)


def write(path: Path, content: bytes, filters: bytes = b"/FlateDecode", side: int = 700, pages: int = 1) -> None:
    """A PDF whose pages all show `content`, which `filters` unpack."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b"3 0 R " * pages, pages),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
        % (side, side),
        b"<< /Filter %s /Length %d >>\nstream\n%s\nendstream" % (filters, len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, table = b"%PDF-1.7\n", b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for number, text in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    path.write_bytes(body + table + trailer)


def packed_twice(path: Path) -> None:
    """7 kB that unpack to 4 GB."""
    blanks = repeated(b" " * 1_000_000, 4000)
    write(path, zlib.compress(blanks, 9), b"[/FlateDecode /FlateDecode]")


def millions_of_objects(path: Path) -> None:
    write(path, repeated(b"BT /F1 12 Tf 72 700 Td (aaaa) Tj ET\n" * 10_000, 500))


def many_objects(path: Path) -> None:
    write(path, zlib.compress(TEXT * 120_000))


def many_characters(path: Path) -> None:
    write(path, zlib.compress(b"BT /F1 1 Tf 9 699 Td %s ET" % (b"(%s) Tj 0 -2 Td " % (b"abcd " * 1000) * 50)))


def endless_path(path: Path) -> None:
    write(path, zlib.compress(TEXT + b"0 0 m\n" + b"9 9 l\n" * 3_000_000 + b"S\n"))


def deeply_nested(path: Path) -> None:
    write(path, repeated(b"q " * 1_000_000, 100))


def huge_page(path: Path) -> None:
    write(path, zlib.compress(TEXT), side=1_000_000_000)


def thousands_of_pages(path: Path) -> None:
    write(path, zlib.compress(TEXT), pages=100_000)
