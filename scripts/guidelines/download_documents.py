"""Download a topic's narrative, appendix and evidence table from the American College of Radiology.

The documents are the ACR's. Nothing is requested before you state with --accept-acr-terms (in the configuration:
download.accept_acr_terms) that you have read and accept its terms of use. Run one such program at a time.
"""

import argparse
from pathlib import Path

from acrflow.io.errors import InputError, run

URL = "https://acsearch.acr.org/list"
TERMS = "read the terms on the ACR's site, then set download.accept_acr_terms: true, or supply own documents"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topic", required=True, help="the topic's folder name")
    parser.add_argument("--acr-id", default="", help="the ACR's number of the topic, for instance 21 (default: none)")
    parser.add_argument("--panel", default="", help="the expert panel, for instance Gastrointestinal")
    parser.add_argument("--title", default="", help="the topic's title as the ACR lists it")
    parser.add_argument("--url", default=URL, help=f"base address of the lists (default: {URL})")
    parser.add_argument(
        "--pages", default="{}", help="configuration section download.pages, as JSON (default: the ACR's)"
    )
    parser.add_argument("--contact", help="your address, told to the server with acrflow's name (default: none)")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two requests (default: 1)")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds without a byte (default: 60)")
    parser.add_argument("--attempts", type=int, default=5, help="attempts per request (default: 5)")
    parser.add_argument("--backoff", type=float, default=2.0, help="seconds before a second attempt (default: 2)")
    parser.add_argument("--accept-acr-terms", action="store_true", help="you accept the ACR's terms of use")
    parser.add_argument("--folder", type=Path, required=True, help="kept folder; the topic has one of its own in it")
    parser.add_argument("--out", type=Path, help="folder to copy the topic's documents to, once they are complete")
    args = parser.parse_args()
    if not args.accept_acr_terms:
        raise InputError("download.accept_acr_terms", "the ACR's terms of use are not accepted", TERMS)

    from acrflow.config.documents import Pages
    from acrflow.guideline.download import addresses, deliver, download
    from acrflow.io.http import PoliteClient, user_agent

    pages = Pages.model_validate_json(args.pages).files()
    documents = addresses(args.url, pages, args.acr_id, args.panel, args.title) if args.acr_id else {}
    folder = args.folder / args.topic
    agent = user_agent(args.contact)
    with PoliteClient(args.pause, args.timeout, args.attempts, args.backoff, agent) as client:
        done = download(documents, folder, client)
    if args.out:
        deliver(folder, args.out)
    print(f"{args.topic}: {len(done.arrived)} documents downloaded, {len(done.complete)} were complete")
    for file, why in done.missing.items():
        print(f"{args.topic}: {file} is missing: {why}")


if __name__ == "__main__":
    run(main)
