"""Download a topic's narrative, appendix and evidence table from the American College of Radiology.

The documents are the ACR's. Nothing is requested before you state with --accept-acr-terms (in the configuration:
download.accept_acr_terms) that you have read and accept its terms of use. Run one such program at a time.
"""

import argparse
from pathlib import Path

from acrflow.errors import InputError, run

URL = "https://acsearch.acr.org/list"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topic", required=True, help="the topic's folder name, for messages")
    parser.add_argument("--acr-id", type=int, required=True, help="the ACR's number of the topic, for instance 21")
    parser.add_argument("--panel", required=True, help="the expert panel, for instance Gastrointestinal")
    parser.add_argument("--title", required=True, help="the topic's title as the ACR lists it")
    parser.add_argument("--url", default=URL, help=f"base address of the lists (default: {URL})")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two requests (default: 1)")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds without a byte (default: 60)")
    parser.add_argument("--attempts", type=int, default=5, help="attempts per request (default: 5)")
    parser.add_argument("--backoff", type=float, default=2.0, help="seconds before a second attempt (default: 2)")
    parser.add_argument("--accept-acr-terms", action="store_true", help="you accept the ACR's terms of use")
    parser.add_argument("--out", type=Path, required=True, help="the topic's folder; manifest.json says what came when")
    args = parser.parse_args()
    if not args.accept_acr_terms:
        remedy = "read the terms on the ACR's site, then set download.accept_acr_terms: true, or supply own documents"
        raise InputError("download.accept_acr_terms", "the ACR's terms of use are not accepted", remedy)

    from acrflow.guideline.download import documents_of, download
    from acrflow.polite import PoliteClient

    documents = documents_of(args.acr_id, args.panel, args.title)
    with PoliteClient(args.pause, args.timeout, args.attempts, args.backoff) as client:
        count = download(documents, args.out, args.url, client)
    print(f"{args.topic}: {count} of {len(documents)} documents downloaded, {len(documents) - count} were complete")


if __name__ == "__main__":
    run(main)
